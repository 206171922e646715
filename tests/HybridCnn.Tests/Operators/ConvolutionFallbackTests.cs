using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

// Alone: the counter is the process's.
[Collection(RunsAlone.Name)]
public class ConvolutionFallbackTests
{
    [Theory]
    [InlineData("mb1ic512ih14oc512kh3ph1nhwc", true, 1000, " bytes, the limit is 1000")]
    [InlineData("mb1ic500ih14oc512kh5ph2nhwc", false, 64 << 20, "Taps would serve with OpenBLAS's small-matrix kernels")]
    [InlineData("g4mb1ic32ih14oc512kh3ph1nhwc", true, 64 << 20, "no other algorithm is as fast for 4 groups of 8 channels and 128 filters")]
    [InlineData("mb1ic32ih14oc64kh3ph1", true, 64 << 20, "x and y are NCHW; WinogradF4 would serve if they were NHWC")]
    public void A_slow_path_has_a_reason(string problem, bool smallKernels, long limit, string reason)
    {
        var plan = new ConvolutionPlan(
            Conv2dDims.Parse(problem), ConvolutionAlgorithm.Automatic, new ComputeOptions { Threads = 1, WorkspaceLimit = limit }, smallKernels);
        Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.Equal(ConvolutionAlgorithm.Im2Col, plan.Algorithm(pass)));
        Assert.Contains(reason, plan.Fallback(ConvolutionPass.BackwardWeights));
        Assert.Contains($"a slow path: {plan.Fallback(ConvolutionPass.Forward)}", plan.Explain());
    }

    [Theory]
    [InlineData("mb8ic3ih32oc32oh32kh3ph1nhwc")]
    [InlineData("mb64ic20ih12oc50oh8kh5")]
    [InlineData("mb2ic64ih28oc64kh3ph1nhwc")]
    [InlineData("mb8ic256ih14oc512oh7kh3sh2ph1nhwc")]
    public void The_fastest_path_is_no_fallback(string problem)
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse(problem), ConvolutionAlgorithm.Automatic, ComputeOptions.Default, smallKernels: true);
        Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.Null(plan.Fallback(pass)));
        Assert.DoesNotContain("slow path", plan.Explain());
    }

    [Fact]
    public void What_was_asked_for_is_no_fallback() =>
        Assert.Null(new ConvolutionPlan(Conv2dDims.Parse("mb1ic32ih14oc64kh3ph1"), ConvolutionAlgorithm.Im2Col).Fallback(ConvolutionPass.Forward));

    [Fact]
    public void Each_pass_counts_once_and_when_it_runs()
    {
        var dims = Conv2dDims.Parse("mb1ic16ih5oc32kh3ph1");
        using var data = new ConvolutionCase(dims, new SeededRandom(1));
        using var context = new ComputeContext(2);
        long before = ConvolutionFallbacks.Count;
        var plan = new ConvolutionPlan(dims);
        Assert.Equal(before, ConvolutionFallbacks.Count);
        plan.Forward(data.X.Span, data.W.Span, data.B.Span, data.Y.Span, context);
        Assert.Equal(before + 1, ConvolutionFallbacks.Count);
        data.Run(plan, context);
        data.Run(plan, context);
        Assert.Equal(before + 3, ConvolutionFallbacks.Count);
        // Without small-matrix kernels other tests of this process may have filled the list.
        if (ConvolutionFallbacks.Reasons.Count < ConvolutionFallbacks.MostReasons)
            Assert.Contains($"{dims} BackwardData: {plan.Fallback(ConvolutionPass.BackwardData)}", ConvolutionFallbacks.Reasons);

        // Another plan of the same problem counts again; its reasons are known already.
        int reasons = ConvolutionFallbacks.Reasons.Count;
        data.Run(new ConvolutionPlan(dims), context);
        Assert.Equal(before + 6, ConvolutionFallbacks.Count);
        Assert.Equal(reasons, ConvolutionFallbacks.Reasons.Count);
    }

    [Fact]
    public void Counts_from_many_threads()
    {
        long before = ConvolutionFallbacks.Count;
        Parallel.For(0, 1000, i => ConvolutionFallbacks.Add($"thread-safe {i % 3}"));
        Assert.Equal(before + 1000, ConvolutionFallbacks.Count);
    }
}
