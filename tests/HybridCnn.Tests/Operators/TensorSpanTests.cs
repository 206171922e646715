using System.Numerics.Tensors;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>The tensors of System.Numerics.Tensors: the bits of the passes on spans, no copies, and refusals in words.</summary>
[Collection(RunsAlone.Name)]
public sealed class TensorSpanTests : IDisposable
{
    private readonly ComputeContext _context = new(1);

    public void Dispose() => _context.Dispose();

    [Theory]
    [InlineData("mb2ic3ih6iw7oc5oh6ow7kh3ph1")]
    [InlineData("mb2ic3ih6iw7oc5oh6ow7kh3ph1nhwc")]
    // Axes of one element, whose strides mean nothing and are 0.
    [InlineData("mb1ic1ih6iw1oc1oh6ow1kh3kw1ph1pw0nhwc")]
    public void Convolutions_give_the_bits_of_the_passes_on_spans(string problem)
    {
        Conv2dDims d = Conv2dDims.Parse(problem);
        var plan = new ConvolutionPlan(d);
        var transposed = new TransposedConvolutionPlan(new ConvTranspose2dDims(d));
        var random = new SeededRandom(1);
        float[] x = random.Floats(d.XCount), w = random.Floats(d.WeightsCount), b = random.Floats(d.OC), c = random.Floats(d.IC), dy = random.Floats(d.YCount);
        nint[] xs = [d.N, d.IC, d.IH, d.IW], ws = [d.OC, d.IC, d.KH, d.KW], ys = [d.N, d.OC, d.OH, d.OW];
        float[][] expected = Passes(x.Length, w.Length, dy.Length), got = Passes(x.Length, w.Length, dy.Length);

        plan.Forward(x, w, b, expected[0], _context, relu: true);
        plan.BackwardData(dy, w, expected[1], _context);
        plan.BackwardWeights(x, dy, expected[2], expected[3].AsSpan(0, d.OC), _context);
        transposed.Forward(dy, w, c, expected[4], _context);
        transposed.BackwardData(x, w, expected[5], _context);
        transposed.BackwardWeights(dy, x, expected[6], expected[7].AsSpan(0, d.IC), _context);

        plan.Forward(Read(x, xs, d.Layout), Read(w, ws), new ReadOnlyTensorSpan<float>(b, [d.OC]), Write(got[0], ys, d.Layout), _context, relu: true);
        plan.BackwardData(Read(dy, ys, d.Layout), Read(w, ws), Write(got[1], xs, d.Layout), _context);
        plan.BackwardWeights(Read(x, xs, d.Layout), Read(dy, ys, d.Layout), Write(got[2], ws), new TensorSpan<float>(got[3], [d.OC]), _context);
        transposed.Forward(Read(dy, ys, d.Layout), Read(w, ws), new ReadOnlyTensorSpan<float>(c, [d.IC]), Write(got[4], xs, d.Layout), _context);
        transposed.BackwardData(Read(x, xs, d.Layout), Read(w, ws), Write(got[5], ys, d.Layout), _context);
        transposed.BackwardWeights(Read(dy, ys, d.Layout), Read(x, xs, d.Layout), Write(got[6], ws), new TensorSpan<float>(got[7], [d.IC]), _context);
        Assert.Equal(expected, got);

        // No bias, no gradient of it.
        plan.Forward(x, w, [], expected[0], _context);
        plan.Forward(Read(x, xs, d.Layout), Read(w, ws), default, Write(got[0], ys, d.Layout), _context);
        plan.BackwardWeights(x, dy, expected[2], [], _context);
        plan.BackwardWeights(Read(x, xs, d.Layout), Read(dy, ys, d.Layout), Write(got[2], ws), default, _context);
        Assert.Equal(expected, got);
    }

    [Theory]
    [InlineData(Layout.Nchw)]
    [InlineData(Layout.Nhwc)]
    public void Poolings_give_the_bits_of_the_passes_on_spans(Layout layout)
    {
        Pool2dDims d = Pool2dDims.Create(2, 3, 7, 6, 3, 3, 2, 2, 1, 1, 1, 1, layout: layout);
        MaxPoolingPlan max = new(d);
        AveragePoolingPlan average = new(d);
        var random = new SeededRandom(2);
        float[] x = random.Floats(d.Input.Count), dy = random.Floats(d.Output.Count);
        nint[] xs = [d.N, d.C, d.IH, d.IW], ys = [d.N, d.C, d.OH, d.OW];
        int[] indices = new int[max.IndexLength], gotIndices = new int[max.IndexLength];
        float[][] expected = Pairs(x.Length, dy.Length), got = Pairs(x.Length, dy.Length);

        max.Forward(x, expected[0], indices, _context);
        max.Backward(dy, indices, expected[1], _context);
        average.Forward(x, expected[2], _context);
        average.Backward(dy, expected[3], _context);
        max.Forward(Read(x, xs, layout), Write(got[0], ys, layout), gotIndices, _context);
        max.Backward(Read(dy, ys, layout), gotIndices, Write(got[1], xs, layout), _context);
        average.Forward(Read(x, xs, layout), Write(got[2], ys, layout), _context);
        average.Backward(Read(dy, ys, layout), Write(got[3], xs, layout), _context);
        Assert.Equal(expected, got);
        Assert.Equal(indices, gotIndices);
    }

    [Fact]
    public void A_Tensor_is_taken_where_it_lies_and_nothing_is_allocated()
    {
        Conv2dDims d = Conv2dDims.Create(1, 2, 5, 5, 3, 3, 3);
        var plan = new ConvolutionPlan(d);
        Tensor<float> x = System.Numerics.Tensors.Tensor.CreateFromShape<float>([1, 2, 5, 5]), w = System.Numerics.Tensors.Tensor.CreateFromShape<float>([3, 2, 3, 3]), y = System.Numerics.Tensors.Tensor.CreateFromShape<float>([1, 3, 3, 3]);
        x.Fill(1);
        w.Fill(2);
        Run();
        Assert.All(y, value => Assert.Equal(36, value));
        Assert.Equal(0, Allocations.OfThisThread(Run));

        void Run() => plan.Forward(x, w, default, y.AsTensorSpan(), _context);
    }

    [Fact]
    public void What_is_not_dense_in_the_plans_order_is_refused_with_both_shapes()
    {
        var plan = new AveragePoolingPlan(Pool2dDims.Create(2, 3, 4, 4, 2, 2, 2, 2));
        float[] memory = new float[2 * 3 * 5 * 4], y = new float[24];
        Refused("got [2, 3, 4, 4] with strides [48, 1, 12, 3]", memory, [2, 3, 4, 4], [48, 1, 12, 3]);
        Refused("got [2, 3, 4, 4] with strides [60, 20, 5, 1]", memory, [2, 3, 4, 4], [60, 20, 5, 1]);
        Refused("got [2, 3, 4, 4] with strides [0, 16, 4, 1]", memory, [2, 3, 4, 4], [0, 16, 4, 1]);
        Refused("got [2, 4, 4, 3] with strides [48, 12, 3, 1]", memory, [2, 4, 4, 3], [48, 12, 3, 1]);
        Refused("got [96] with strides [1]", memory, [96], [1]);

        void Refused(string words, float[] x, nint[] lengths, nint[] strides)
        {
            ArgumentException e = Assert.Throws<ArgumentException>(() => plan.Forward(
                new ReadOnlyTensorSpan<float>(x, lengths, strides), new TensorSpan<float>(y, [2, 3, 2, 2]), _context));
            Assert.Equal("x", e.ParamName);
            Assert.Contains("x must be [2, 3, 4, 4] with strides [48, 16, 4, 1]; " + words, e.Message, StringComparison.Ordinal);
        }
    }

    private static float[][] Passes(int x, int w, int y) => [new float[y], new float[x], new float[w], new float[8], new float[x], new float[y], new float[w], new float[8]];

    private static float[][] Pairs(int x, int y) => [new float[y], new float[x], new float[y], new float[x]];

    private static ReadOnlyTensorSpan<float> Read(float[] values, nint[] lengths, Layout layout = Layout.Nchw) => Write(values, lengths, layout);

    private static TensorSpan<float> Write(float[] values, nint[] lengths, Layout layout = Layout.Nchw)
    {
        if (layout == Layout.Nchw)
            return new(values, lengths);
        nint[] strides = [lengths[1] * lengths[2] * lengths[3], 1, lengths[1] * lengths[3], lengths[1]];
        return new(values, lengths, [.. strides.Select((stride, axis) => lengths[axis] == 1 ? 0 : stride)]);
    }
}
