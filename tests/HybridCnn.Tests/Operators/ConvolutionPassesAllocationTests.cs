using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

[Collection(RunsAlone.Name)]
public class ConvolutionPassesAllocationTests
{
    [Theory]
    [InlineData("mb4ic20ih12oc50oh8kh5", 2)]
    [InlineData("mb2ic48ih9oc32oh9kh1", 2)]
    [InlineData("g8mb2ic8ih9oc8oh9kh3ph1", 3)]
    public void A_warm_run_allocates_nothing(string problem, int threads)
    {
        using var context = new ComputeContext(threads);
        foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
        {
            Conv2dDims dims = Conv2dDims.Parse(problem).In(layout);
            using var data = new ConvolutionPassesCase(dims, new SeededRandom(1));
            foreach (ConvolutionMethod method in TestedMethods.For(dims))
            {
                for (int run = 0; run < 3; run++)
                    data.Run(method, context);

                long least = Allocations.OfAllThreads(() => data.Run(method, context));
                Assert.True(least == 0, $"{method.GetType().Name} {dims} {layout}: {least} bytes");
            }
        }
    }
}
