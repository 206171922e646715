using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

public class WinogradConvolutionTests
{
    /// <summary>Odd and even channels around register and panel widths, sizes around the tiles, every kind of padding.</summary>
    public static TheoryData<string> Problems => new(
        "mb1ic1ih1oc1oh1kh3ph1",
        "mb3ic1ih2oc3oh2kh3ph1",
        "mb2ic3ih3oc17oh1kh3ph0",
        "mb2ic17ih4iw9oc20oh4ow9kh3ph1",
        "mb1ic20ih5oc3oh7kh3ph2",
        "mb2ic16ih6iw5oc16oh6ow5kh3ph1",
        "mb1ic5ih7oc9oh6kh3ph1pb0pr0",
        "mb1ic9ih8iw3oc5oh8ow4kh3ph2pw0pb0pr3",
        "mb1ic4ih9oc8oh15kh3ph4",
        "mb2ic33ih9oc65oh9kh3ph1",
        "mb1ic130ih5oc70oh5kh3ph1",
        "mb1ic8ih1iw9oc8oh1ow9kh3ph1",
        "mb4ic3ih40oc5oh40kh3ph1");

    [Theory]
    [MemberData(nameof(Problems))]
    public void Agrees_with_the_reference(string problem)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        foreach (int tile in (int[])[2, 4])
        {
            foreach (GuardSide side in (GuardSide[])[GuardSide.Start, GuardSide.End])
            {
                using ConvolutionPassesCase data = Draw(dims, new SeededRandom(1), tile, side);
                foreach (int threads in (int[])[1, 2, 3])
                {
                    using var context = new ComputeContext(threads);
                    data.Check(new WinogradConvolution(dims, tile), context);
                }
            }
        }
    }

    [Theory]
    [InlineData("mb2ic20ih21oc70oh21kh3ph1")]
    [InlineData("mb1ic150ih13iw30oc20oh13ow30kh3ph1")]
    [InlineData("mb4ic70ih40oc2oh40kh3ph1")]
    [InlineData("mb4ic2ih40oc66oh40kh3ph1")]
    public void Agrees_in_any_workspace_and_without_small_kernels(string problem)
    {
        // No limit: large blocks, and with many tiles a gradient for each worker. 200 KB: smaller blocks. None: the smallest, and
        // the form that keeps no transformed weights.
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        using var context = new ComputeContext(2);
        foreach (int tile in (int[])[2, 4])
        {
            using ConvolutionPassesCase data = Draw(dims, new SeededRandom(2), tile);
            foreach (long limit in (long[])[long.MaxValue, 200_000, 0])
            {
                foreach (bool smallKernels in (bool[])[false, true])
                    data.Check(new WinogradConvolution(dims, tile, limit, smallKernels), context);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void Tiles_of_two_are_exact_on_whole_numbers(string problem)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        using var data = new ConvolutionPassesCase(dims, new SeededRandom(3), integers: true);
        using var context = new ComputeContext(2);
        data.Check(new WinogradConvolution(dims, 2), context);
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void The_three_passes_are_adjoint(string problem)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        using var context = new ComputeContext(2);
        foreach (int tile in (int[])[2, 4])
        {
            using var data = new ConvolutionPassesCase(dims, new SeededRandom(4), bias: false);
            var convolution = new WinogradConvolution(dims, tile);
            data.Run(convolution, context);
            data.DW.Span.Clear();
            convolution.BackwardWeights(data.X.Span, data.DY.Span, data.DW.Span, [], context);
            double y = Dot(data.Y.Span, data.DY.Span), x = Dot(data.X.Span, data.DX.Span), w = Dot(data.W.Span, data.DW.Span);
            double tolerance = 2e-6 * Math.Sqrt(Dot(data.Y.Span, data.Y.Span) * Dot(data.DY.Span, data.DY.Span));
            Assert.InRange(x, y - tolerance, y + tolerance);
            Assert.InRange(w, y - tolerance, y + tolerance);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Relu_replaces_exactly_the_negative_results(int tile)
    {
        Conv2dDims dims = Conv2dDims.Parse("mb2ic17ih9oc20oh9kh3ph1").In(Layout.Nhwc);
        using ConvolutionPassesCase data = Draw(dims, new SeededRandom(6), tile);
        using var context = new ComputeContext(2);
        var convolution = new WinogradConvolution(dims, tile);
        convolution.Forward(data.X.Span, data.W.Span, data.B.Span, relu: false, data.Y.Span, context);
        float[] expected = [.. data.Y.Span.ToArray().Select(v => MathF.Max(v, 0))];
        data.Y.Span.Fill(float.NaN);
        convolution.Forward(data.X.Span, data.W.Span, data.B.Span, relu: true, data.Y.Span, context);
        Assert.Equal(expected, data.Y.Span.ToArray());
        Assert.Contains(0f, expected);
    }

    [Theory]
    [InlineData("mb3ic20ih19oc70oh19kh3ph1", 2)]
    [InlineData("mb2ic130ih9oc150oh9kh3ph1", 3)]
    [InlineData("mb4ic3ih40oc5oh40kh3ph1", 2)]
    public void Reruns_give_the_same_bits(string problem, int threads)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        foreach (int tile in (int[])[2, 4])
        {
            foreach (long limit in (long[])[0, WinogradConvolution.DefaultWorkspaceLimit])
            {
                using ConvolutionPassesCase data = Draw(dims, new SeededRandom(7), tile);
                var convolution = new WinogradConvolution(dims, tile, limit);
                int[]? first = null;
                for (int run = 0; run < 3; run++)
                {
                    using var context = new ComputeContext(threads);
                    data.Run(convolution, context);
                    data.Run(convolution, context);
                    Assert.Equal(first ??= data.Bits(), data.Bits());
                }
            }
        }
    }

    [Theory]
    [InlineData("mb8ic64ih224oc64oh224kh3ph1")]
    [InlineData("mb8ic128ih112oc128oh112kh3ph1")]
    [InlineData("mb8ic256ih56oc256oh56kh3ph1")]
    [InlineData("mb8ic512ih28oc512oh28kh3ph1")]
    [InlineData("mb8ic512ih7oc512oh7kh3ph1")]
    [InlineData("mb128ic64ih16oc128oh16kh3ph1")]
    public void Workspace_stays_below_64_MB(string problem)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(Layout.Nhwc);
        foreach (int workers in (int[])[1, 2, 4, 8])
        {
            Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.InRange(new WinogradConvolution(dims, 2).Scratch(pass, workers).Bytes(workers), 1, 64 * 1024 * 1024));
            Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.InRange(new WinogradConvolution(dims, 4).Scratch(pass, workers).Bytes(workers), 1, 64 * 1024 * 1024));
        }
    }

    [Theory]
    [InlineData("mb1ic4ih9oc4oh9kh3ph1", Layout.Nchw, "Nchw")]
    [InlineData("mb1ic4ih9oc4oh9kh5ph2", Layout.Nhwc, "5x5")]
    [InlineData("mb1ic4ih9oc4oh5kh3sh2ph1", Layout.Nhwc, "2x2")]
    [InlineData("mb1ic4ih9oc4oh9kh3dh1ph2", Layout.Nhwc, "dilation")]
    [InlineData("g2mb1ic4ih9oc4oh9kh3ph1", Layout.Nhwc, "2 groups")]
    public void What_it_does_not_take_it_refuses_with_a_reason(string problem, Layout layout, string reason)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem).In(layout);
        Assert.Contains(reason, WinogradConvolution.Refusal(dims), StringComparison.Ordinal);
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => new WinogradConvolution(dims, 4)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_arguments_are_named_with_both_values()
    {
        Conv2dDims dims = Conv2dDims.Parse("mb1ic4ih7oc4oh7kh3ph1").In(Layout.Nhwc);
        Assert.Contains("3", Assert.Throws<ArgumentException>("tile", () => new WinogradConvolution(dims, 3)).Message, StringComparison.Ordinal);
        using var context = new ComputeContext(1);
        var convolution = new WinogradConvolution(dims, 4);
        var e = Assert.Throws<ArgumentException>("x", () => convolution.Forward(new float[195], new float[144], [], relu: false, new float[196], context));
        Assert.Contains("195", e.Message, StringComparison.Ordinal);
        Assert.Contains("196", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("dy", () => convolution.BackwardData(new float[195], new float[144], new float[196], context));
        Assert.Throws<ArgumentException>("dBias", () => convolution.BackwardWeights(new float[196], new float[196], new float[144], new float[5], context));
    }

    /// <summary>Times the rounding of a plain sum: the transforms multiply numbers up before they cancel.</summary>
    internal static double Rounding(ConvolutionAlgorithm algorithm) => algorithm switch
    {
        ConvolutionAlgorithm.WinogradF4 => 8,
        ConvolutionAlgorithm.WinogradF2 => 2,
        _ => 1,
    };

    private static ConvolutionPassesCase Draw(Conv2dDims dims, SeededRandom random, int tile, GuardSide side = GuardSide.End, bool bias = true) =>
        new(dims, random, bias: bias, side: side) { Rounding = Rounding(tile == 4 ? ConvolutionAlgorithm.WinogradF4 : ConvolutionAlgorithm.WinogradF2) };

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
