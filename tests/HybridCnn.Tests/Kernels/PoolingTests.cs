using System.Runtime.InteropServices;
using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Kernels;

public class PoolingTests(ITestOutputHelper output)
{
    [Theory]
    [MemberData(nameof(ShapeTable.Poolings), MemberType = typeof(ShapeTable))]
    public void Max_pooling_equals_its_definition(string problem) => CheckMax(Pool2dDims.Parse(problem), new SeededRandom(1));

    [Theory]
    [MemberData(nameof(ShapeTable.Poolings), MemberType = typeof(ShapeTable))]
    public void Average_pooling_equals_its_definition(string problem) => CheckAverage(Pool2dDims.Parse(problem), new SeededRandom(2));

    [Fact]
    public void Random_poolings_equal_their_definition() => Fuzz.Run(output, 300, Fuzz.Pooling, (dims, random) =>
    {
        Assert.Equal(dims, Pool2dDims.Parse(dims.ToString()));
        CheckMax(dims, random);
        CheckAverage(dims, random);
    });

    // With all widths of a register, rows that end inside of one, and windows that are taller than a border is wide.
    [Fact]
    public void Averages_of_windows_one_column_apart_equal_their_definition() => Fuzz.Run(output, 200, random =>
    {
        int kh = 1 + random.NextInt(5), kw = 1 + random.NextInt(5);
        return Pool2dDims.Create(
            1, 2, kh + random.NextInt(8), kw + random.NextInt(60), kh, kw, 1 + random.NextInt(3), 1,
            random.NextInt(kh / 2 + 1), random.NextInt(kw / 2 + 1), random.NextInt(kh / 2 + 1), random.NextInt(kw / 2 + 1));
    }, CheckAverage);

    [Theory]
    [MemberData(nameof(ShapeTable.Poolings), MemberType = typeof(ShapeTable))]
    public void Average_pooling_backward_is_the_adjoint_of_forward(string problem)
    {
        var dims = Pool2dDims.Parse(problem);
        var random = new SeededRandom(3);
        float[] x = random.Floats(dims.Input.Count), dy = random.Floats(dims.Output.Count);
        float[] y = new float[dy.Length], dx = new float[x.Length], scratch = Nan(AveragePooling.Scratch(dims));
        foreach (bool countIncludePad in new[] { true, false })
        {
            ForEachPlane(dims, (input, result) =>
            {
                AveragePooling.Forward(dims, countIncludePad, 0, x.AsSpan(input), scratch, y.AsSpan(result));
                AveragePooling.Backward(dims, countIncludePad, 0, dy.AsSpan(result), scratch, dx.AsSpan(input));
            });
            double left = 0, right = 0, magnitude = 0;
            for (int i = 0; i < y.Length; i++)
                left += (double)y[i] * dy[i];
            for (int i = 0; i < x.Length; i++)
            {
                right += (double)x[i] * dx[i];
                magnitude += Math.Abs((double)x[i] * dx[i]);
            }

            Assert.True(Math.Abs(left - right) <= 1e-6 * magnitude, $"<A x, dy> = {left}, <x, Aᵀ dy> = {right}");
        }
    }

    [Theory]
    [InlineData("mb1ic1ih2iw2kh2sh2")]
    [InlineData("mb1ic1ih2iw40kh2sh2")]
    [InlineData("mb1ic1ih2iw10kh2sh2")]
    public void The_last_NaN_of_a_window_wins_and_nothing_beats_it(string problem)
    {
        var dims = Pool2dDims.Parse(problem);
        for (int pattern = 0; pattern < 16; pattern++)
        {
            var x = new float[dims.Input.Count];
            for (int i = 0; i < x.Length; i++)
            {
                int tap = i / dims.IW * 2 + i % 2;
                x[i] = (pattern >> tap & 1) == 1 ? float.NaN : 5 - tap;
            }

            var y = new float[dims.Output.Count];
            var argmax = new int[y.Length];
            MaxPooling.Forward(dims, x, Nan(MaxPooling.Scratch(dims)), y, argmax);
            int winner = pattern == 0 ? 0 : 31 - int.LeadingZeroCount(pattern);
            for (int ow = 0; ow < dims.OW; ow++)
            {
                Assert.Equal(winner / 2 * dims.IW + 2 * ow + winner % 2, argmax[ow]);
                Assert.Equal(pattern == 0 ? 5 : float.NaN, y[ow]);
            }
        }
    }

    [Fact]
    public void A_window_of_negative_infinity_has_its_first_element_as_maximum()
    {
        var dims = Pool2dDims.Parse("mb1ic1ih4kh3sh2ph1");
        var x = new float[16];
        x.AsSpan().Fill(float.NegativeInfinity);
        var y = new float[4];
        var argmax = new int[4];
        MaxPooling.Forward(dims, x, Nan(MaxPooling.Scratch(dims)), y, argmax);
        Assert.Equal([0, 1, 4, 5], argmax);
        Assert.All(y, value => Assert.Equal(float.NegativeInfinity, value));
    }

    [Theory]
    [InlineData(GuardSide.Start)]
    [InlineData(GuardSide.End)]
    public void Planes_are_never_left(GuardSide side)
    {
        foreach (Pool2dDims dims in ShapeTable.PoolingDims)
        {
            var random = new SeededRandom(4);
            using var x = new GuardedBuffer(random.Floats(dims.IH * dims.IW), side);
            using var dy = new GuardedBuffer(random.Floats(dims.OH * dims.OW), side);
            using var y = new GuardedBuffer(dims.OH * dims.OW, side);
            using var argmax = new GuardedBuffer(dims.OH * dims.OW, side);
            using var dx = new GuardedBuffer(dims.IH * dims.IW, side);
            using var scratch = new GuardedBuffer(Math.Max(MaxPooling.Scratch(dims), AveragePooling.Scratch(dims)), side);
            Span<int> positions = MemoryMarshal.Cast<float, int>(argmax.Span);
            MaxPooling.Forward(dims, x.Span, scratch.Span, y.Span, positions);
            MaxPooling.Backward(dims, dy.Span, positions, dx.Span);
            Assert.False(y.Span.Contains(float.NaN) || dx.Span.Contains(float.NaN), $"{dims}: not all overwritten");
            y.Span.Fill(float.NaN);
            dx.Span.Fill(float.NaN);
            AveragePooling.Forward(dims, true, 0, x.Span, scratch.Span, y.Span);
            AveragePooling.Backward(dims, true, 0, dy.Span, scratch.Span, dx.Span);
            Assert.False(y.Span.Contains(float.NaN) || dx.Span.Contains(float.NaN), $"{dims}: not all overwritten");
        }
    }

    private static void CheckMax(Pool2dDims dims, SeededRandom random)
    {
        var naive = new NaivePooling(dims);
        Assert.Equal((naive.OH, naive.OW), (dims.OH, dims.OW));
        // Few different values: many ties. Some that are no numbers.
        float[] x = [.. random.Floats(dims.Input.Count).Select(value => random.NextInt(40) switch
        {
            0 => float.NaN,
            1 or 2 => float.NegativeInfinity,
            _ => MathF.Round(value * 3),
        })];
        float[] dy = random.Floats(dims.Output.Count);
        float[] y = Nan(dy.Length), dx = Nan(x.Length), scratch = Nan(MaxPooling.Scratch(dims));
        var argmax = new int[y.Length];
        ForEachPlane(dims, (input, result) =>
        {
            MaxPooling.Forward(dims, x.AsSpan(input), scratch, y.AsSpan(result), argmax.AsSpan(result));
            MaxPooling.Backward(dims, dy.AsSpan(result), argmax.AsSpan(result), dx.AsSpan(input));
        });

        (double[] expected, int[] positions) = naive.Max(x);
        Assert.Equal(positions, argmax);
        for (int i = 0; i < y.Length; i++)
            Assert.Equal(expected[i], y[i]);
        AssertClose(naive.MaxBackward(dy, positions), dx, dims, "dx");
    }

    private static void CheckAverage(Pool2dDims dims, SeededRandom random)
    {
        var naive = new NaivePooling(dims);
        float[] x = random.Floats(dims.Input.Count), dy = random.Floats(dims.Output.Count);
        foreach ((bool countIncludePad, int divisor) in new[] { (true, 0), (false, 0), (true, 5) })
        {
            float[] y = Nan(dy.Length), dx = Nan(x.Length), scratch = Nan(AveragePooling.Scratch(dims));
            ForEachPlane(dims, (input, result) =>
            {
                AveragePooling.Forward(dims, countIncludePad, divisor, x.AsSpan(input), scratch, y.AsSpan(result));
                AveragePooling.Backward(dims, countIncludePad, divisor, dy.AsSpan(result), scratch, dx.AsSpan(input));
            });
            AssertClose(naive.Average(x, countIncludePad, divisor), y, dims, "y");
            AssertClose(naive.AverageBackward(dy, countIncludePad, divisor), dx, dims, "dx");
        }
    }

    // Every result is a sum of at most KH * KW values below 1, or their mean.
    private static void AssertClose(double[] expected, float[] actual, Pool2dDims dims, string name) =>
        Tolerance.AssertClose(expected, actual, Tolerance.ForSum(dims.KH * dims.KW, 1), $"{dims}: {name}");

    private static void ForEachPlane(Pool2dDims dims, Action<Range, Range> body)
    {
        int input = dims.IH * dims.IW, result = dims.OH * dims.OW;
        for (int plane = 0; plane < dims.N * dims.C; plane++)
            body((plane * input)..((plane + 1) * input), (plane * result)..((plane + 1) * result));
    }

    private static float[] Nan(int count)
    {
        var values = new float[count];
        values.AsSpan().Fill(float.NaN);
        return values;
    }
}
