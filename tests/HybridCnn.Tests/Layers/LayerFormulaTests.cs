using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

/// <summary>y against the formula in double, in both memory orders, on sizes with vectors and rests; gradients of one order against the other, and the same bits on any number of threads.</summary>
public class LayerFormulaTests
{
    private static readonly Dictionary<string, (Func<Layer> Make, Func<Images, int, int, int, int, double> Formula)> s_cases = new()
    {
        ["GroupNorm"] = (() => Filled(new GroupNorm(3, 33)), (x, n, c, h, w) => x.Normal(n, c / 11 * 11, c / 11 * 11 + 11, c, h, w) * x.Weight(0, c) + x.Weight(1, c)),
        ["GroupNorm, a group for each channel, without weights"] = (() => new GroupNorm(33, 33, affine: false), (x, n, c, h, w) => x.Normal(n, c, c + 1, c, h, w)),
        ["LayerNorm"] = (() => Filled(new LayerNorm([33, 9, 7])), (x, n, c, h, w) => x.Normal(n, 0, 33, c, h, w) * x.Weight(0, (c * 9 + h) * 7 + w) + x.Weight(1, (c * 9 + h) * 7 + w)),
        ["LocalResponseNorm"] = (() => new LocalResponseNorm(5, alpha: 0.3), (x, n, c, h, w) => x[n, c, h, w] * Math.Pow(1 + 0.3 / 5 * x.Squares(n, c - 2, c + 2, h, w), -0.75)),
        ["LocalResponseNorm, even, another exponent"] = (() => new LocalResponseNorm(4, alpha: 0.5, beta: 0.6, k: 2), (x, n, c, h, w) => x[n, c, h, w] * Math.Pow(2 + 0.5 / 4 * x.Squares(n, c - 2, c + 1, h, w), -0.6)),
        ["PReLU"] = (() => Filled(new PReLU(33)), (x, n, c, h, w) => Math.Max(0, x[n, c, h, w]) + x.Weight(0, c) * Math.Min(0, x[n, c, h, w])),
        ["PReLU, one for all"] = (() => new PReLU(), (x, n, c, h, w) => Math.Max(0, x[n, c, h, w]) + 0.25 * Math.Min(0, x[n, c, h, w])),
        ["Softmax"] = (() => new Softmax(), (x, n, c, h, w) => Math.Exp(x[n, c, h, w]) / Enumerable.Range(0, 33).Sum(i => Math.Exp(x[n, i, h, w]))),
        ["ZeroPad2d"] = (() => new ZeroPad2d((2, 1, 0, 3)), (x, n, c, h, w) => x[n, c, h - 2, w - 1]),
        ["Upsample"] = (() => new Upsample((2, 3)), (x, n, c, h, w) => x[n, c, h / 2, w / 3]),
        ["Upsample, bilinear"] = (() => new Upsample((3, 2), UpsampleMode.Bilinear), (x, n, c, h, w) => x.Between(n, c, (h + 0.5) / 3 - 0.5, (w + 0.5) / 2 - 0.5)),
        ["AdaptiveAveragePool2d"] = (() => new AdaptiveAveragePool2d(4, 3), (x, n, c, h, w) => x.Mean(n, c, h * 9 / 4, ((h + 1) * 9 + 3) / 4, w * 7 / 3, ((w + 1) * 7 + 2) / 3)),
        ["AdaptiveAveragePool2d, even"] = (() => new AdaptiveAveragePool2d(3, 7), (x, n, c, h, w) => x.Mean(n, c, h * 3, h * 3 + 3, w, w + 1)),
    };

    public static TheoryData<string> Cases => new(s_cases.Keys);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_its_formula_in_both_memory_orders_on_any_number_of_threads(string name)
    {
        (Func<Layer> make, Func<Images, int, int, int, int, double> formula) = s_cases[name];
        var shape = new Shape(5, 33, 9, 7);
        float[] values = new SeededRandom(1).Floats(shape.Count);
        (float[] planes, float[][] planesBack, Shape output, Layer layer) = Run(make(), values, shape, threads: 2);
        var images = new Images(values, shape, layer);
        double largest = planes.Max(Math.Abs);
        for (int i = 0; i < planes.Length; i++)
        {
            int w = i % output[3], h = i / output[3] % output[2], c = i / (output[3] * output[2]) % output[1], n = i / output.CountPerItem;
            double expected = formula(images, n, c, h, w);
            Assert.True(Math.Abs(expected - planes[i]) <= 2e-6 * largest, $"{name}: y[{n}, {c}, {h}, {w}] is {planes[i]}, expected {expected}");
        }

        (float[] pixels, float[][] pixelsBack, _, _) = Run(make(), values, shape.In(Layout.Nhwc), threads: 2);
        AssertClose(planes, pixels, "y");
        for (int i = 0; i < planesBack.Length; i++)
            AssertClose(planesBack[i], pixelsBack[i], i == 0 ? "dx" : $"gradient {i}");

        for (int threads = 1; threads <= 4; threads += 2)
        {
            SameBits.Assert(planesBack, Run(make(), values, shape, threads).Back, $"{name} in NCHW order on {threads} threads");
            SameBits.Assert(pixelsBack, Run(make(), values, shape.In(Layout.Nhwc), threads).Back, $"{name} in NHWC order on {threads} threads");
        }

        void AssertClose(float[] expected, float[] actual, string what)
        {
            float scale = expected.Max(Math.Abs);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(expected[i] - actual[i]) <= 4e-6f * scale, $"{name}: {what}[{i}] is {expected[i]} in NCHW order, {actual[i]} in NHWC order");
        }
    }

    // y, and dx with the gradients of the parameters, all in NCHW order. The batch is large enough for several threads where the layer keeps its size.
    private static (float[] Y, float[][] Back, Shape Output, Layer Layer) Run(Layer layer, float[] values, Shape shape, int threads)
    {
        using var context = new ComputeContext(threads);
        int times = 40;
        Shape batch = new Shape(shape[0] * times, shape[1], shape[2], shape[3]).In(shape.Layout);
        Tensor x = new(batch), dx = new(batch), y = new(layer.Bind(batch)), dy = new(y.Shape);
        float[] ordered = shape.Layout == Layout.Nhwc ? NhwcOrder.FromNchw<float>(values, shape[1], shape[2] * shape[3]) : values;
        for (int i = 0; i < times; i++)
            ordered.CopyTo(x.Span[(i * ordered.Length)..]);
        float[] gradient = new SeededRandom(2).Floats(y.Shape.Count);
        (y.Shape.Layout == Layout.Nhwc ? NhwcOrder.FromNchw<float>(gradient, y.Shape[1], y.Shape[2] * y.Shape[3]) : gradient).CopyTo(dy.Span);
        y.Span.Fill(float.NaN);
        dx.Span.Fill(float.NaN);
        layer.Forward(x, y, context);
        layer.Backward(x, y, dy, dx, context);
        var output = new Shape(shape[0], y.Shape[1], y.Shape[2], y.Shape[3]);
        return (Planes(y)[..output.Count], [Planes(dx), .. layer.Parameters.Select(p => p.Gradient.Span.ToArray())], output, layer);

        static float[] Planes(Tensor t) => t.Layout == Layout.Nhwc ? NhwcOrder.FromNchw<float>(t.Span, t.Shape[2] * t.Shape[3], t.Shape[1]) : t.Span.ToArray();
    }

    private static Layer Filled(Layer layer)
    {
        var random = new SeededRandom(3);
        foreach (Parameter parameter in layer.Parameters)
            random.Floats(parameter.Shape.Count).CopyTo(parameter.Value.Span);
        return layer;
    }

    /// <summary>x with zeros around it, and what formulas make of it.</summary>
    private sealed class Images(float[] values, Shape shape, Layer layer)
    {
        public double this[int n, int c, int h, int w] => c < 0 || h < 0 || w < 0 || c >= shape[1] || h >= shape[2] || w >= shape[3]
            ? 0
            : values[((n * shape[1] + c) * shape[2] + h) * shape[3] + w];

        public double Weight(int parameter, int index) => layer.Parameters[parameter].Value.Span[index];

        public double Squares(int n, int first, int last, int h, int w) => Enumerable.Range(first, last - first + 1).Sum(c => this[n, c, h, w] * this[n, c, h, w]);

        public double Mean(int n, int c, int top, int bottom, int left, int right) =>
            (from h in Enumerable.Range(top, bottom - top) from w in Enumerable.Range(left, right - left) select this[n, c, h, w]).Average();

        // Between four pixels; the outermost ones go on for ever.
        public double Between(int n, int c, double h, double w)
        {
            h = Math.Max(0, h);
            w = Math.Max(0, w);
            (int top, int left) = ((int)h, (int)w);
            (int bottom, int right) = (Math.Min(shape[2] - 1, top + 1), Math.Min(shape[3] - 1, left + 1));
            (double down, double across) = (h - top, w - left);
            return (1 - down) * ((1 - across) * this[n, c, top, left] + across * this[n, c, top, right])
                + down * ((1 - across) * this[n, c, bottom, left] + across * this[n, c, bottom, right]);
        }

        public double Normal(int n, int first, int end, int c, int h, int w)
        {
            int plane = shape[2] * shape[3];
            ReadOnlySpan<float> group = values.AsSpan(((n * shape[1]) + first) * plane, (end - first) * plane);
            double mean = 0, variance = 0;
            foreach (float value in group)
                mean += (double)value / group.Length;
            foreach (float value in group)
                variance += (value - mean) * (value - mean) / group.Length;
            return (this[n, c, h, w] - mean) / Math.Sqrt(variance + 1e-5);
        }
    }
}
