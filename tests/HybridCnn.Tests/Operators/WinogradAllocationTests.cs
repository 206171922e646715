using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

[Collection(RunsAlone.Name)]
public class WinogradAllocationTests
{
    [Theory]
    [InlineData(2, 0)]
    [InlineData(4, 0)]
    [InlineData(2, WinogradConvolution.DefaultWorkspaceLimit)]
    [InlineData(4, WinogradConvolution.DefaultWorkspaceLimit)]
    public void A_warm_run_allocates_nothing(int tile, long workspaceLimit)
    {
        foreach (string problem in (string[])["mb2ic20ih13oc70oh13kh3ph1", "mb4ic3ih40oc5oh40kh3ph1"])
            CheckAllocation(problem, tile, workspaceLimit);
    }

    private static void CheckAllocation(string problem, int tile, long workspaceLimit)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        using var data = new ConvolutionPassesCase(dims, new SeededRandom(1));
        using var context = new ComputeContext(2);
        var convolution = new WinogradConvolution(dims, tile, workspaceLimit);
        for (int run = 0; run < 3; run++)
            data.Run(convolution, context);

        Assert.Equal(0, Allocations.OfAllThreads(() => data.Run(convolution, context)));
    }
}
