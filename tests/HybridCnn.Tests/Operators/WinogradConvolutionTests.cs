using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

public class WinogradConvolutionTests(ITestOutputHelper output)
{
    // Times the rounding of a plain sum: the transforms multiply numbers up before they cancel.
    private const double RoundingF4 = 8, RoundingF2 = 2;

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

    [Fact]
    public void Agrees_with_the_reference_on_anything() =>
        Fuzz.Run(output, 60, DrawDims, (dims, random) =>
        {
            using var context = new ComputeContext(1 + random.NextInt(3));
            int tile = random.NextInt(2) == 0 ? 2 : 4;
            long limit = random.NextInt(2) == 0 ? 0 : WinogradConvolution.DefaultWorkspaceLimit;
            using ConvolutionPassesCase data = Draw(dims, random, tile, (GuardSide)random.NextInt(2), random.NextInt(2) == 0);
            data.Check(new WinogradConvolution(dims, tile, limit), context);
        });

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

    /// <summary>The bounds that <see cref="WinogradConvolution"/> promises, on data chosen to be hard.</summary>
    [Theory]
    [InlineData(64, 64, "signs")]
    [InlineData(512, 8, "signs")]
    [InlineData(512, 8, "positive")]
    [InlineData(512, 8, "all positive")]
    [InlineData(512, 8, "resonant")]
    [InlineData(8, 512, "resonant")]
    public void Errors_stay_within_the_promised_bounds(int ic, int oc, string kind)
    {
        Conv2dDims dims = Conv2dDims.Create(1, ic, 14, 14, oc, 3, 3, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1, layout: Layout.Nhwc);
        Conv2dDims planes = dims.In(Layout.Nchw);
        var random = new SeededRandom(5);
        float[] x = Hard(random.Floats(dims.XCount), kind, dims.IW), w = random.Floats(dims.WeightsCount), dy = Hard(random.Floats(dims.YCount), kind, dims.OW);
        if (kind == "all positive")
            w = Hard(w, "positive", 3);
        float[] xt = NhwcOrder.FromNchw<float>(x, ic, 14 * 14), dyt = NhwcOrder.FromNchw<float>(dy, oc, 14 * 14);
        double[] y = NhwcOrder.FromNchw<double>(ReferenceConvolution.Forward(planes, x, w, []), oc, 14 * 14);
        double[] dx = NhwcOrder.FromNchw<double>(ReferenceConvolution.BackwardData(planes, dy, w), ic, 14 * 14);
        double[] dw = ReferenceConvolution.BackwardWeights(planes, x, dy).Weights;

        using var context = new ComputeContext(2);
        foreach (var (tile, bound) in new[] { (2, 1e-6), (4, 6e-6) })
        {
            var convolution = new WinogradConvolution(dims, tile);
            float[] gotY = new float[y.Length], gotX = new float[dx.Length], gotW = new float[dw.Length];
            convolution.Forward(xt, w, [], gotY, context);
            convolution.BackwardData(dyt, w, gotX, context);
            convolution.BackwardWeights(xt, dyt, gotW, [], context);
            double errorY = Error(y, gotY), errorX = Error(dx, gotX), errorW = Error(dw, gotW);
            output.WriteLine($"F({tile}x{tile}, 3x3) {ic} -> {oc} {kind}: y {errorY:0.0e0}, dx {errorX:0.0e0}, dw {errorW:0.0e0}");
            Assert.InRange(Math.Max(errorY, Math.Max(errorX, errorW)), 0, bound);
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
        convolution.Forward(data.X.Span, data.W.Span, data.B.Span, data.Y.Span, context);
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
        var e = Assert.Throws<ArgumentException>("x", () => convolution.Forward(new float[195], new float[144], [], new float[196], context));
        Assert.Contains("195", e.Message, StringComparison.Ordinal);
        Assert.Contains("196", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("dy", () => convolution.BackwardData(new float[195], new float[144], new float[196], context));
        Assert.Throws<ArgumentException>("dBias", () => convolution.BackwardWeights(new float[196], new float[196], new float[144], new float[5], context));
    }

    private static ConvolutionPassesCase Draw(Conv2dDims dims, SeededRandom random, int tile, GuardSide side = GuardSide.End, bool bias = true) =>
        new(dims, random, bias: bias, side: side) { Rounding = tile == 4 ? RoundingF4 : RoundingF2 };

    private static Conv2dDims DrawDims(SeededRandom random)
    {
        while (true)
        {
            int ih = 1 + random.NextInt(13), iw = 1 + random.NextInt(13), ic = 1 + random.NextInt(40), oc = 1 + random.NextInt(80);
            int top = random.NextInt(4), left = random.NextInt(4), bottom = random.NextInt(4), right = random.NextInt(4);
            if (ih + top + bottom >= 3 && iw + left + right >= 3)
                return Conv2dDims.Create(1 + random.NextInt(3), ic, ih, iw, oc, 3, 3, 1, 1, top, left, bottom, right, layout: Layout.Nhwc);
        }
    }

    // Resonant: the signs of the inputs are those of the row of Bᵀ with the largest entries, tile after tile.
    private static float[] Hard(float[] values, string kind, int width)
    {
        ReadOnlySpan<float> pattern = [1, 0, -1, 0];
        for (int i = 0; i < values.Length; i++)
        {
            if (kind != "signs")
                values[i] = MathF.Abs(values[i]);
            if (kind == "resonant")
                values[i] = (0.5f + values[i] / 2) * pattern[(i % width + 1) % 4] * pattern[(i / width + 1) % 4];
        }

        return values;
    }

    private static double Error(double[] expected, float[] actual)
    {
        double largest = 0, error = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            error = Math.Max(error, Math.Abs(expected[i] - actual[i]));
        }

        return error / largest;
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
