using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

[Collection(RunsAlone.Name)]
public class ConvolutionAllocationTests
{
    [Theory]
    [InlineData("mb4ic20ih12oc50oh8kh5", 1)]
    [InlineData("mb4ic20ih12oc50oh8kh5", 2)]
    [InlineData("mb4ic1ih28oc6oh28kh5ph2", 2)]
    [InlineData("mb2ic16ih14oc32oh14kh1", 2)]
    [InlineData("g2mb2ic4ih9oc6oh5kh3sh2ph1", 3)]
    public void A_warm_run_allocates_nothing(string problem, int threads)
    {
        var dims = Conv2dDims.Parse(problem);
        using var data = new ConvolutionCase(dims, new SeededRandom(1));
        using var context = new ComputeContext(threads);
        var plan = new ConvolutionPlan(dims);
        for (int run = 0; run < 3; run++)
            data.Run(plan, context);

        // Other threads of the process (timers of the test host) may allocate now and then: the best of some rounds counts.
        long least = long.MaxValue, leastOwn = long.MaxValue;
        for (int round = 0; round < 10; round++)
        {
            long total = GC.GetTotalAllocatedBytes(precise: true), own = GC.GetAllocatedBytesForCurrentThread();
            data.Run(plan, context);
            leastOwn = Math.Min(leastOwn, GC.GetAllocatedBytesForCurrentThread() - own);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - total);
        }

        Assert.Equal(0, leastOwn);
        Assert.Equal(0, least);
    }
}
