using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

/// <summary>Random problems on which every algorithm that takes them must agree with the reference, and so with every other.</summary>
public class ConvolutionFuzzTests(ITestOutputHelper output)
{
    private static readonly ConvolutionAlgorithm[] s_algorithms = [.. Enum.GetValues<ConvolutionAlgorithm>().Where(a => a != ConvolutionAlgorithm.Automatic)];

    private static readonly ConvolutionPass[] s_passes = Enum.GetValues<ConvolutionPass>();

    [Fact]
    public void Every_algorithm_agrees_on_anything() =>
        Fuzz.Run(output, 200, Fuzz.Convolution, (drawn, random) =>
        {
            bool integers = random.NextInt(2) == 0, bias = random.NextInt(2) == 0, smallKernels = random.NextInt(2) == 0;
            var options = new ComputeOptions { Threads = 1 + random.NextInt(3), Deterministic = random.NextInt(3) == 0, WorkspaceLimit = random.NextInt(3) == 0 ? 0 : 64 << 20 };
            using var context = new ComputeContext(options);
            foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
            {
                Conv2dDims dims = drawn.In(layout);
                using var data = new ConvolutionPassesCase(dims, random, integers, bias, (GuardSide)random.NextInt(2));
                foreach (ConvolutionAlgorithm algorithm in s_algorithms.Where(a => ConvolutionRules.Impossible(a, dims) is null))
                {
                    // The fractions of F(4x4, 3x3) round whole numbers too.
                    if (integers && algorithm == ConvolutionAlgorithm.WinogradF4)
                        continue;
                    data.Rounding = WinogradConvolutionTests.Rounding(algorithm);
                    // Passes may have methods of their own, each of which computes all three.
                    foreach (ConvolutionMethod method in s_passes.Select(pass => ConvolutionRules.Choose(dims, pass, algorithm, options, smallKernels).Method).DistinctBy(method => method.GetType()))
                        data.Check(method, context);
                }
            }
        });

    [Fact]
    public void Random_problems_reach_every_algorithm_and_every_special_case()
    {
        var random = new SeededRandom(1);
        Conv2dDims[] drawn = [.. Enumerable.Range(0, 200).Select(_ => Fuzz.Convolution(random))];
        Assert.All(s_algorithms, algorithm => Assert.Contains(drawn, dims => ConvolutionRules.Impossible(algorithm, dims.In(Layout.Nhwc)) is null || ConvolutionRules.Impossible(algorithm, dims) is null));
        Assert.Contains(drawn, dims => dims.DilationH > 1 && dims.KH > 1);
        Assert.Contains(drawn, dims => dims.PadTop != dims.PadBottom && dims.PadLeft != dims.PadRight);
        Assert.Contains(drawn, dims => dims.Groups > 1 && dims.Groups < dims.IC);
        Assert.Contains(drawn, dims => dims.StrideH > dims.KH);
        Assert.Contains(drawn, dims => dims.IH * dims.IW == 1);
        Assert.Contains(drawn, dims => dims.N == 1);
    }
}
