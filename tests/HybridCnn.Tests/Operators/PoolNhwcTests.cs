using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

public class PoolNhwcTests(ITestOutputHelper output)
{
    [Theory]
    [MemberData(nameof(ShapeTable.Poolings), MemberType = typeof(ShapeTable))]
    public void Agrees_with_the_reference(string problem) => Check(Pool2dDims.Parse(problem), new SeededRandom(1));

    [Theory]
    [InlineData(16, 2, 2, 0)]
    [InlineData(35, 3, 2, 1)]
    [InlineData(64, 3, 2, 1)]
    [InlineData(48, 2, 1, 0)]
    [InlineData(33, 3, 1, 1)]
    [InlineData(20, 12, 1, 0)]
    public void Agrees_with_the_reference_on_vectors_of_channels(int c, int kernel, int stride, int pad) =>
        Check(Pool2dDims.Create(3, c, 13, 12, kernel, kernel, stride, stride, pad, pad, pad, pad), new SeededRandom(2));

    // Neighboring windows share one column; with all ways in which a row of them begins and ends.
    [Fact]
    public void Agrees_with_the_reference_on_windows_three_wide_and_two_apart() => Fuzz.Run(output, 150, random => Pool2dDims.Create(
        2, 16 + random.NextInt(120), 5 + random.NextInt(5), 5 + random.NextInt(6), 1 + random.NextInt(4), 3, 1 + random.NextInt(3), 2,
        0, random.NextInt(2), 0, random.NextInt(2), ceilMode: random.NextInt(2) == 0), Check);

    // Blocks of 64 channels, registers of 16 and single ones; more pixels than are added up at once, and fewer.
    [Fact]
    public void Agrees_with_the_reference_on_one_window_of_the_whole_image() => Fuzz.Run(output, 60, random =>
    {
        int ih = 1 + random.NextInt(12), iw = 1 + random.NextInt(12);
        return Pool2dDims.Create(1 + random.NextInt(3), 1 + random.NextInt(200), ih, iw, ih, iw);
    }, Check);

    [Theory]
    [InlineData(GuardSide.Start)]
    [InlineData(GuardSide.End)]
    public void The_mean_of_an_image_never_leaves_it(GuardSide side)
    {
        foreach (int c in new[] { 1, 17, 63, 64, 65, 150 })
        {
            Pool2dDims dims = In(Pool2dDims.Create(1, c, 5, 7, 5, 7), Layout.Nhwc);
            var random = new SeededRandom(3);
            using var x = new GuardedBuffer(random.Floats(35 * c), side);
            using var y = new GuardedBuffer(Math.Min(c, AveragePoolingNhwc.Block), side);
            using var dx = new GuardedBuffer(7 * c, side);
            AveragePoolingNhwc.ForwardWhole(dims, 0, x.Span, c - y.Span.Length, y.Span);
            AveragePoolingNhwc.BackwardRow(dims, true, 0, x.Span[..c], 4, [], dx.Span);
            Assert.False(y.Span.Contains(float.NaN) || dx.Span.Contains(float.NaN), $"{dims}: not all overwritten");
        }
    }

    [Fact]
    public void Agrees_with_the_reference_on_anything() => Fuzz.Run(output, 200, Fuzz.Pooling, Check);

    [Fact]
    public void Refuses_windows_that_a_byte_cannot_count()
    {
        Pool2dDims dims = In(Pool2dDims.Create(1, 1, 20, 20, 17, 17), Layout.Nhwc);
        Assert.Contains("289", Assert.Throws<ArgumentException>(() => new MaxPoolingPlan(dims)).Message, StringComparison.Ordinal);
    }

    private static void Check(Pool2dDims nchw, SeededRandom random)
    {
        Pool2dDims dims = In(nchw, Layout.Nhwc);
        int input = dims.IH * dims.IW, outputs = dims.OH * dims.OW;
        // Many ties, and some NaN.
        float[] x = random.Integers(dims.Input.Count), dy = random.Floats(dims.Output.Count);
        if (random.NextInt(3) == 0)
            x[random.NextInt(x.Length)] = float.NaN;
        using var context = new ComputeContext(1 + random.NextInt(3));
        var naive = new NaivePooling(nchw);
        float[] xs = NhwcOrder.FromNchw<float>(x, dims.C, input), dys = NhwcOrder.FromNchw<float>(dy, dims.C, outputs);
        float[] y = new float[dys.Length], dx = new float[xs.Length];
        Array.Fill(y, -99);
        Array.Fill(dx, float.NaN);

        if (MaxPoolNhwcOperator.Refusal(dims) is null)
        {
            (double[] maxima, int[] argmax) = naive.Max(x);
            var max = new MaxPoolingPlan(dims);
            int[] indices = [.. Enumerable.Repeat(-1, max.IndexLength)];
            max.Forward(xs, y, indices, context);
            max.Backward(dys, indices, dx, context);
            Assert.Equal(NhwcOrder.FromNchw<double>(maxima, dims.C, outputs).Select(v => (float)v), y);
            Tolerance.AssertClose(NhwcOrder.FromNchw<double>(naive.MaxBackward(dy, argmax), dims.C, input), dx, 1e-5, $"{dims} max dx");
        }

        int divisor = random.NextInt(4) == 0 ? 3 : 0;
        bool pad = random.NextInt(2) == 0;
        float[] clean = [.. x.Select(v => float.IsNaN(v) ? 0 : v)];
        Array.Fill(y, -99);
        Array.Fill(dx, float.NaN);
        var average = new AveragePoolingPlan(dims, pad, divisor == 0 ? null : divisor);
        average.Forward(NhwcOrder.FromNchw<float>(clean, dims.C, input), y, context);
        average.Backward(dys, dx, context);
        Tolerance.AssertClose(NhwcOrder.FromNchw<double>(naive.Average(clean, pad, divisor), dims.C, outputs), y, 1e-4, $"{dims} average y");
        Tolerance.AssertClose(NhwcOrder.FromNchw<double>(naive.AverageBackward(dy, pad, divisor), dims.C, input), dx, 1e-4, $"{dims} average dx");
    }

    private static Pool2dDims In(Pool2dDims d, Layout layout) => Pool2dDims.Create(
        d.N, d.C, d.IH, d.IW, d.KH, d.KW, d.StrideH, d.StrideW, d.PadTop, d.PadLeft, d.PadBottom, d.PadRight, d.DilationH, d.DilationW, d.CeilMode, layout);
}
