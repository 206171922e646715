using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

public class BatchNormalizationTests(ITestOutputHelper output)
{
    private const double Epsilon = 1e-5;

    [Theory]
    [InlineData(2, 1, 1, 1)]
    [InlineData(3, 7, 5, 3)]
    [InlineData(2, 19, 6, 6)]
    [InlineData(4, 64, 9, 7)]
    [InlineData(2, 83, 8, 8)]
    [InlineData(3, 33, 40, 30)]
    public void Agrees_with_the_reference(int n, int c, int h, int w)
    {
        foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
        {
            foreach (float? relu in (float?[])[null, float.PositiveInfinity, 0.5f])
            {
                foreach (int threads in (int[])[1, 2, 3])
                    Check(new SeededRandom(1), n, c, h, w, layout, relu, threads, offset: 0);
            }
        }
    }

    [Theory]
    [InlineData(Layout.Nchw)]
    [InlineData(Layout.Nhwc)]
    public void A_mean_far_from_zero_costs_no_digits(Layout layout) => Check(new SeededRandom(2), 4, 5, 12, 12, layout, relu: null, threads: 2, offset: 1024);

    [Fact]
    public void Agrees_with_the_reference_on_anything() =>
        Fuzz.Run(
            output, 40,
            random => (N: 1 + random.NextInt(4), C: 1 + random.NextInt(90), H: 1 + random.NextInt(12), W: 2 + random.NextInt(12), Layout: (Layout)random.NextInt(2), Relu: random.NextInt(3) switch { 0 => (float?)null, 1 => float.PositiveInfinity, _ => 0.75f }, Threads: 1 + random.NextInt(3)),
            (p, random) => Check(random, p.N, p.C, p.H, p.W, p.Layout, p.Relu, p.Threads, offset: 0));

    [Theory]
    [InlineData(Layout.Nchw)]
    [InlineData(Layout.Nhwc)]
    public void A_constant_channel_gives_beta_and_no_infinity(Layout layout)
    {
        var shape = new Shape(2, 3, 4, 4).In(layout);
        Tensor x = new(shape), y = new(shape);
        x.Span.Fill(12345.678f);
        using var context = new ComputeContext(2);
        var mean = new float[3];
        float[] variance = [1, 1, 1];
        new BatchNormalization(shape, Epsilon).ForwardTraining(x.Span, [1, 2, 3], [4, 5, 6], mean, variance, 1, relu: null, y.Span, context);
        Assert.Equal([0f, 0f, 0f], variance);
        Assert.All(mean, m => Assert.Equal(12345.678f, m));
        Assert.Equal(5f, y.Span[layout == Layout.Nhwc ? 1 : 16]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Reruns_give_the_same_bits(int threads)
    {
        foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
        {
            int[]? first = null;
            for (int run = 0; run < 3; run++)
            {
                using var context = new ComputeContext(threads);
                var pass = new Pass(new SeededRandom(3), 3, 35, 33, 31, layout, relu: float.PositiveInfinity, offset: 0);
                pass.Run(context);
                int[] bits = [.. ((float[])[.. pass.Y.Span, .. pass.Dx.Span, .. pass.DGamma, .. pass.DBeta]).Select(BitConverter.SingleToInt32Bits)];
                Assert.Equal(first ??= bits, bits);
            }
        }
    }

    [Theory]
    [InlineData(Layout.Nchw)]
    [InlineData(Layout.Nhwc)]
    public void Given_statistics_are_used_as_they_are(Layout layout)
    {
        var pass = new Pass(new SeededRandom(4), 2, 21, 5, 6, layout, relu: float.PositiveInfinity, offset: 0);
        float[] mean = new SeededRandom(5).Floats(21), variance = [.. new SeededRandom(6).Floats(21).Select(v => v + 1.5f)];
        using var context = new ComputeContext(2);
        pass.Operator.ForwardFixed(pass.X.Span, pass.Gamma, pass.Beta, mean, variance, relu: float.PositiveInfinity, pass.Y.Span, context);
        pass.Operator.Backward(pass.X.Span, pass.Dy.Span, pass.DGamma, pass.DBeta, pass.Dx.Span, context);
        pass.Compare((mean, variance), "given");
    }

    private static void Check(SeededRandom random, int n, int c, int h, int w, Layout layout, float? relu, int threads, float offset)
    {
        using var context = new ComputeContext(threads);
        var pass = new Pass(random, n, c, h, w, layout, relu, offset);
        pass.Run(context);
        pass.Compare(null, $"[{n}, {c}, {h}, {w}] {layout} relu {relu} on {threads} threads");
    }

    // One problem with its data; NaN where a pass overwrites, numbers where it adds.
    private sealed class Pass
    {
        private readonly float[] _x, _dy;
        private readonly int _channels, _plane;
        private readonly float? _relu;
        private readonly Layout _layout;
        private readonly double _offset;

        public Pass(SeededRandom random, int n, int c, int h, int w, Layout layout, float? relu, float offset)
        {
            (_channels, _plane, _relu, _layout, _offset) = (c, h * w, relu, layout, offset);
            Shape shape = new Shape(n, c, h, w).In(layout);
            _x = [.. random.Floats(shape.Count).Select(value => value + offset)];
            _dy = random.Floats(shape.Count);
            X = Tensor.From(shape, Order(_x));
            Dy = Tensor.From(shape, Order(_dy));
            (Y, Dx) = (new Tensor(shape), new Tensor(shape));
            Y.Span.Fill(float.NaN);
            Dx.Span.Fill(float.NaN);
            (Gamma, Beta, DGamma, DBeta) = (random.Floats(c), random.Floats(c), new float[c], new float[c]);
            Array.Fill(DGamma, 1);
            Array.Fill(DBeta, -1);
            Operator = new BatchNormalization(shape, Epsilon);
        }

        public BatchNormalization Operator { get; }

        public Tensor X { get; }

        public Tensor Y { get; }

        public Tensor Dy { get; }

        public Tensor Dx { get; }

        public float[] Gamma { get; }

        public float[] Beta { get; }

        public float[] DGamma { get; }

        public float[] DBeta { get; }

        public void Run(ComputeContext context)
        {
            float[] mean = new float[_channels], variance = new float[_channels];
            Operator.ForwardTraining(X.Span, Gamma, Beta, mean, variance, 1, _relu, Y.Span, context);
            Operator.Backward(X.Span, Dy.Span, DGamma, DBeta, Dx.Span, context);
            ReferenceBatchNormalization r = Reference(null);
            double count = _x.Length / _channels;
            Tolerance.AssertClose(r.Mean, mean, 1e-6 * (1 + _offset), "running mean");
            Tolerance.AssertClose([.. r.Variance.Select(v => v * count / Math.Max(1, count - 1))], variance, 2e-6, "running variance");
        }

        public void Compare((float[] Mean, float[] Variance)? given, string what)
        {
            ReferenceBatchNormalization r = Reference(given);
            // A mean is a float32: 2^-24 of it is lost, and the smallest deviation divides by √(2ε) at least.
            double smallest = Math.Sqrt(r.Variance.Min() + Epsilon), slack = 1 + _offset / smallest, sum = 16 + _x.Length / _channels;
            double unit = Math.ScaleB(1, -23) * slack / Math.Min(1, smallest);
            Tolerance.AssertClose(Order(r.Y), Y.Span, 16 * unit, what + " y");
            Tolerance.AssertClose(r.DBeta.Select(v => v - 1).ToArray(), DBeta, sum * Math.ScaleB(1, -23), what + " dbeta");
            Tolerance.AssertClose(r.DGamma.Select(v => v + 1).ToArray(), DGamma, 4 * sum * unit, what + " dgamma");
            Tolerance.AssertClose(Order(r.Dx), Dx.Span, 64 * unit / Math.Min(1, smallest), what + " dx");
        }

        private ReferenceBatchNormalization Reference((float[] Mean, float[] Variance)? given) =>
            ReferenceBatchNormalization.Run(_x, _dy, Gamma, Beta, _channels, _plane, Epsilon, _relu, Computed, given);

        private float Computed(int i)
        {
            (int item, int rest) = Math.DivRem(i, _channels * _plane);
            (int channel, int pixel) = Math.DivRem(rest, _plane);
            return Y.Span[_layout == Layout.Nhwc ? (item * _plane + pixel) * _channels + channel : i];
        }

        private T[] Order<T>(T[] values) => _layout == Layout.Nhwc ? NhwcOrder.FromNchw<T>(values, _channels, _plane) : values;
    }
}
