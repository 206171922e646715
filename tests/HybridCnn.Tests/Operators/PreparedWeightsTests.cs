using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>The forward pass and that by data with weights that were packed or transformed before them, against the passes that do so themselves.</summary>
public class PreparedWeightsTests
{
    // Of the largest output; Winograd's two forms may round differently.
    private const double Bound = 1.2e-5;

    private static readonly string[] s_problems =
    [
        "mb2ic3ih9oc32oh9kh3ph1", "mb2ic20ih13oc70oh13kh3ph1", "mb1ic40ih7oc200oh7kh3ph1", "mb3ic64ih8oc80oh8kh1", "mb3ic128ih5oc64oh3kh3sh2ph1", "mb2ic32ih9oc48oh5kh3sh2ph1", "g24mb2ic24ih8oc24oh8kh3ph1",
        "g2mb2ic8ih7oc12oh7kh3ph1",
        // Those of transposed convolutions: twice as large images, to colours, with rows that no window reaches, and 1x1 kernels by panels on both sides.
        "mb1ic40ih16oc70oh8kh4sh2ph1", "mb2ic3ih18oc33oh9kh4sh2ph1", "g3mb2ic45ih12oc21oh5kh3sh2", "mb1ic200ih7oc40oh7kh3ph1", "mb1ic520ih4oc530oh4kh1", "mb1ic20ih9oc17oh5kh1sh2",
    ];

    public static TheoryData<string> Problems => new(s_problems);

    [Theory]
    [MemberData(nameof(Problems))]
    public void All_algorithms_compute_the_same_with_prepared_weights(string problem)
    {
        foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
        {
            Conv2dDims dims = Conv2dDims.Parse(problem).In(layout);
            using var data = new ConvolutionCase(dims, new SeededRandom(1));
            foreach (ConvolutionAlgorithm algorithm in ConvolutionRules.Order.Where(algorithm => ConvolutionRules.Impossible(algorithm, dims) is null))
            {
                foreach (int threads in (int[])[1, 2, 3])
                {
                    using var context = new ComputeContext(threads);
                    var plan = new ConvolutionPlan(dims, algorithm, context.Options);
                    string what = $"{dims} {layout} {algorithm}, {threads} threads";
                    CheckForward(plan, data, context, what);
                    CheckData(plan, data, context, what);
                }
            }
        }
    }

    [Theory]
    [InlineData(Layout.Nchw, false)]
    [InlineData(Layout.Nhwc, true)]
    public void Only_algorithms_that_pack_or_transform_weights_prepare_them(Layout layout, bool prepares)
    {
        Conv2dDims dims = Conv2dDims.Parse("mb2ic32ih9oc48oh9kh3ph1").In(layout);
        foreach (ConvolutionAlgorithm algorithm in ConvolutionRules.Order.Where(algorithm => ConvolutionRules.Impossible(algorithm, dims) is null))
        {
            var plan = new ConvolutionPlan(dims, algorithm);
            foreach (ConvolutionPass pass in (ConvolutionPass[])[ConvolutionPass.Forward, ConvolutionPass.BackwardData])
                Assert.Equal(prepares && algorithm != ConvolutionAlgorithm.Direct, plan.Prepared(pass).Floats > 0);
        }
    }

    [Theory]
    [InlineData(ConvolutionPass.Forward, "Im2Col in prediction,")]
    [InlineData(ConvolutionPass.BackwardData, "Im2Col in the prediction of a transposed convolution,")]
    public void Few_pixels_behind_many_weights_are_not_transformed(ConvolutionPass pass, string explained)
    {
        Conv2dDims dims = Conv2dDims.Parse("mb1ic500ih7oc500oh7kh3ph1nhwc");
        var plan = new ConvolutionPlan(dims);
        Assert.Equal((ConvolutionAlgorithm.WinogradF4, ConvolutionAlgorithm.Im2Col), (plan.Algorithm(pass), plan.Prepared(pass).Algorithm));
        Assert.Contains(explained, plan.Explain(), StringComparison.Ordinal);
        Assert.Equal(ConvolutionAlgorithm.WinogradF4, new ConvolutionPlan(dims, ConvolutionAlgorithm.WinogradF4).Prepared(pass).Algorithm);
    }

    [Theory]
    [InlineData(ConvolutionPass.Forward)]
    [InlineData(ConvolutionPass.BackwardData)]
    public void A_few_more_are_not_either_where_filters_fill_registers(ConvolutionPass pass)
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse("mb2ic512ih7oc512oh7kh3ph1nhwc"));
        Assert.Equal(ConvolutionAlgorithm.WinogradF4, plan.Algorithm(pass));
        Assert.Equal(PatchProducts.FillsRegisters(512) ? ConvolutionAlgorithm.Taps : ConvolutionAlgorithm.WinogradF4, plan.Prepared(pass).Algorithm);
    }

    [Fact]
    public void Lengths_are_checked()
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse("mb1ic20ih6oc30oh6kh3ph1nhwc"), ConvolutionAlgorithm.Im2Col);
        PreparedPass pass = plan.Prepared(ConvolutionPass.BackwardData);
        using var context = new ComputeContext(1);
        float[] dy = new float[30 * 36], weights = new float[30 * 20 * 9], dx = new float[20 * 36];
        Assert.Throws<ArgumentException>("weights", () => pass.Prepare(weights.AsSpan(1), new float[pass.Floats], context));
        Assert.Throws<ArgumentException>("prepared", () => pass.Prepare(weights, new float[pass.Floats + 1], context));
        Assert.Throws<ArgumentException>("x", () => pass.Run(dx, weights, [], null, dx, context));
        Assert.Throws<ArgumentException>("prepared", () => pass.Run(dy, weights.AsSpan(1), [], null, dx, context));
        Assert.Throws<ArgumentException>("bias", () => pass.Run(dy, weights, new float[30], null, dx, context));
        Assert.Throws<ArgumentException>("y", () => pass.Run(dy, weights, [], null, dy, context));
    }

    private static void CheckForward(ConvolutionPlan plan, ConvolutionCase data, ComputeContext context, string what)
    {
        PreparedPass pass = plan.Prepared(ConvolutionPass.Forward);
        using GuardedBuffer prepared = Prepare(pass, data, context);
        foreach (float? ceiling in (float?[])[null, float.PositiveInfinity, 0.4f])
        {
            if (ceiling == 0.4f && !pass.TakesCeiling)
                continue;
            data.Y.Span.Fill(float.NaN);
            plan.Forward(data.X.Span, data.W.Span, data.B.Span, data.Y.Span, context, relu: ceiling is not null);
            double[] expected = Array.ConvertAll(data.Y.Span.ToArray(), value => Math.Min(value, ceiling ?? double.PositiveInfinity));
            data.Y.Span.Fill(float.NaN);
            pass.Run(data.X.Span, pass.Floats > 0 ? prepared.Span : data.W.Span, data.B.Span, ceiling, data.Y.Span, context);
            Tolerance.AssertClose(expected, data.Y.Span, Bound * expected.Max(Math.Abs), $"{what}, ceiling {ceiling}");
        }
    }

    // To the last bit, but for Winograd, whose forms sum other parts of the channels at a time.
    private static void CheckData(ConvolutionPlan plan, ConvolutionCase data, ComputeContext context, string what)
    {
        PreparedPass pass = plan.Prepared(ConvolutionPass.BackwardData);
        Assert.False(pass.TakesCeiling);
        using GuardedBuffer prepared = Prepare(pass, data, context);
        using var bias = new GuardedBuffer(new SeededRandom(2).Floats(data.Dims.IC));
        int area = data.Dims.IH * data.Dims.IW;
        bool isWinograd = plan.Algorithm(ConvolutionPass.BackwardData) is ConvolutionAlgorithm.WinogradF2 or ConvolutionAlgorithm.WinogradF4;
        for (int run = 0; run < 3; run++)
        {
            (bool adds, bool relu) = (run > 0, run > 1);
            data.DX.Span.Fill(float.NaN);
            plan.BackwardData(data.DY.Span, data.W.Span, data.DX.Span, context);
            float[] expected = data.DX.Span.ToArray();
            for (int i = 0; i < expected.Length; i++)
            {
                int channel = data.Dims.Layout == Layout.Nhwc ? i % data.Dims.IC : i / area % data.Dims.IC;
                float value = adds ? expected[i] + bias.Span[channel] : expected[i];
                expected[i] = relu ? Math.Max(value, 0) : value;
            }

            data.DX.Span.Fill(float.NaN);
            pass.Run(data.DY.Span, pass.Floats > 0 ? prepared.Span : data.W.Span, adds ? bias.Span : [], relu ? float.PositiveInfinity : null, data.DX.Span, context);
            if (isWinograd)
                Tolerance.AssertClose(Array.ConvertAll(expected, value => (double)value), data.DX.Span, Bound * expected.Max(Math.Abs), $"{what} by data, run {run}");
            else
                SameBits.Assert([expected], [data.DX.Span.ToArray()], $"{what} by data, run {run}");
        }
    }

    private static GuardedBuffer Prepare(PreparedPass pass, ConvolutionCase data, ComputeContext context)
    {
        var prepared = new GuardedBuffer(checked((int)pass.Floats));
        prepared.Span.Fill(float.NaN);
        if (pass.Floats > 0)
            pass.Prepare(data.W.Span, prepared.Span, context);
        return prepared;
    }
}
