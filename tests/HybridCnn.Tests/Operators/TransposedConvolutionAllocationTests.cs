using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

[Collection(RunsAlone.Name)]
public class TransposedConvolutionAllocationTests
{
    [Theory]
    [InlineData("mb4ic20ih12oc50oh8kh5", 1)]
    [InlineData("mb2ic7ih80oc3oh80kh3ph1", 2)]
    [InlineData("mb2ic7ih80oc3oh80kh3ph1nhwc", 2)]
    [InlineData("g2mb2ic4ih9oc6oh5kh3sh2ph1", 3)]
    public void A_warm_run_allocates_nothing(string problem, int threads)
    {
        var dims = new ConvTranspose2dDims(Conv2dDims.Parse(problem));
        using var data = new TransposedConvolutionCase(dims, new SeededRandom(1));
        using var context = new ComputeContext(threads);
        var plan = new TransposedConvolutionPlan(dims);
        for (int run = 0; run < 3; run++)
            data.Run(plan, context);

        Assert.Equal(0, Allocations.OfAllThreads(() => data.Run(plan, context)));
    }
}
