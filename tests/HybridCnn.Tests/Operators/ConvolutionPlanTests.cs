using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

public class ConvolutionPlanTests
{
    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Agrees_with_the_reference(string problem)
    {
        var dims = Conv2dDims.Parse(problem);
        using var data = new ConvolutionCase(dims, new SeededRandom(1));
        foreach (ConvolutionPlan plan in Plans(dims))
        {
            foreach (int threads in (int[])[1, 2, 3])
            {
                using var context = new ComputeContext(threads);
                data.Check(plan, context);
            }
        }
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Is_exact_on_whole_numbers(string problem)
    {
        var dims = Conv2dDims.Parse(problem);
        using var data = new ConvolutionCase(dims, new SeededRandom(2), integers: true, bias: dims.OC % 2 == 0, side: GuardSide.Start);
        using var context = new ComputeContext(2);
        foreach (ConvolutionPlan plan in Plans(dims))
            data.Check(plan, context);
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void The_three_passes_are_adjoint(string problem)
    {
        // y is linear in x and in w, so <y, dy> = <x, dx> = <w, dw>, whatever the numbers.
        var dims = Conv2dDims.Parse(problem);
        using var data = new ConvolutionCase(dims, new SeededRandom(3), bias: false);
        using var context = new ComputeContext(2);
        var plan = new ConvolutionPlan(dims);
        data.Run(plan, context);
        data.DW.Span.Clear();
        plan.BackwardWeights(data.X.Span, data.DY.Span, data.DW.Span, [], context);

        double y = Dot(data.Y.Span, data.DY.Span), x = Dot(data.X.Span, data.DX.Span), w = Dot(data.W.Span, data.DW.Span);
        double tolerance = 1e-6 * Math.Sqrt(Dot(data.Y.Span, data.Y.Span) * Dot(data.DY.Span, data.DY.Span)) + 1e-9;
        Assert.InRange(x, y - tolerance, y + tolerance);
        Assert.InRange(w, y - tolerance, y + tolerance);
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Gradients_are_what_a_small_change_does(string problem)
    {
        // The loss <y, dy> is linear in each number, and on whole numbers exact: a step of 1 gives the derivative itself.
        var dims = Conv2dDims.Parse(problem);
        var random = new SeededRandom(4);
        using var data = new ConvolutionCase(dims, random, integers: true);
        using var context = new ComputeContext(1);
        var plan = new ConvolutionPlan(dims);
        data.DW.Span.Clear();
        data.DB.Span.Clear();
        plan.BackwardData(data.DY.Span, data.W.Span, data.DX.Span, context);
        plan.BackwardWeights(data.X.Span, data.DY.Span, data.DW.Span, data.DB.Span, context);
        foreach (var (value, gradient) in ((GuardedBuffer, GuardedBuffer)[])[(data.X, data.DX), (data.W, data.DW), (data.B, data.DB)])
        {
            for (int sample = 0; sample < 3; sample++)
            {
                int i = random.NextInt(value.Length);
                float before = value.Span[i];
                value.Span[i] = before + 1;
                double up = Loss();
                value.Span[i] = before - 1;
                double down = Loss();
                value.Span[i] = before;
                Assert.Equal((up - down) / 2, gradient.Span[i]);
            }
        }

        double Loss()
        {
            plan.Forward(data.X.Span, data.W.Span, data.B.Span, data.Y.Span, context);
            return Dot(data.Y.Span, data.DY.Span);
        }
    }

    [Theory]
    [InlineData("mb5ic20ih12oc50oh8kh5", 1)]
    [InlineData("mb5ic20ih12oc50oh8kh5", 2)]
    [InlineData("mb1ic7ih30oc9oh30kh3ph1", 3)]
    [InlineData("mb3ic30ih9oc40oh9kh1", 2)]
    public void Reruns_give_the_same_bits(string problem, int threads)
    {
        var dims = Conv2dDims.Parse(problem);
        using var data = new ConvolutionCase(dims, new SeededRandom(5));
        var plan = new ConvolutionPlan(dims);
        float[]? first = null;
        for (int run = 0; run < 4; run++)
        {
            using var context = new ComputeContext(threads);
            data.Run(plan, context);
            data.Run(plan, context);
            float[] all = [.. data.Y.Span, .. data.DX.Span, .. data.DW.Span, .. data.DB.Span];
            first ??= all;
            Assert.Equal(first.Select(BitConverter.SingleToInt32Bits), all.Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Theory]
    [InlineData("mb1ic16ih14oc8oh14kh3ph1")]
    [InlineData("mb1ic16ih14oc8oh14kh1")]
    [InlineData("mb1ic64ih1iw16384oc64oh1kh1kw9ph0pw4")]
    public void One_image_keeps_two_threads_busy(string problem)
    {
        var dims = Conv2dDims.Parse(problem);
        NchwMethod method = PointwiseConvolution.Refusal(dims) is null
            ? new PointwiseConvolution(dims, smallKernels: true)
            : new Im2ColConvolution(dims, smallKernels: true);
        Assert.InRange(method.ForwardBlocks(2), 2, 14 * 14);
        Assert.InRange(method.BackwardDataBlocks(2), 2, 14 * 14);
        Assert.InRange(method.BackwardWeightsBlocks(2), 2, 14 * 14);
    }

    [Fact]
    public void Refuses_geometries_it_cannot_run()
    {
        Assert.Throws<ArgumentException>("dims", () => new ConvolutionPlan(default));
        Assert.Throws<ArgumentException>("algorithm", () => new ConvolutionPlan(Conv2dDims.Parse("ic1ih1oc1kh1"), (ConvolutionAlgorithm)9));
        Assert.Contains("68719476736 elements", Assert.Throws<ArgumentException>("dims", () => new ConvolutionPlan(Conv2dDims.Parse("mb65536ic65536ih4oc1kh1"))).Message);
    }

    public static TheoryData<string, int, Action<ConvolutionPlan, float[], float[], float[], float[], ComputeContext>> WrongLengths => new()
    {
        { "x", 72, (p, x, w, b, y, c) => p.Forward(y, w, b, y, c) },
        { "weights", 108, (p, x, w, b, y, c) => p.Forward(x, b, b, y, c) },
        { "bias", 3, (p, x, w, b, y, c) => p.Forward(x, w, w, y, c) },
        { "y", 54, (p, x, w, b, y, c) => p.Forward(x, w, b, b, c) },
        { "dy", 54, (p, x, w, b, y, c) => p.BackwardData(x, w, x, c) },
        { "weights", 108, (p, x, w, b, y, c) => p.BackwardData(y, b, x, c) },
        { "dx", 72, (p, x, w, b, y, c) => p.BackwardData(y, w, b, c) },
        { "x", 72, (p, x, w, b, y, c) => p.BackwardWeights(b, y, w, b, c) },
        { "dy", 54, (p, x, w, b, y, c) => p.BackwardWeights(x, b, w, b, c) },
        { "dWeights", 108, (p, x, w, b, y, c) => p.BackwardWeights(x, y, b, b, c) },
        { "dBias", 3, (p, x, w, b, y, c) => p.BackwardWeights(x, y, w, w, c) },
    };

    [Theory]
    [MemberData(nameof(WrongLengths), DisableDiscoveryEnumeration = true)]
    public void Names_a_span_of_the_wrong_length(string argument, int expected, Action<ConvolutionPlan, float[], float[], float[], float[], ComputeContext> call)
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse("mb2ic4ih3oc3oh3kh3ph1"));
        using var context = new ComputeContext(1);
        ArgumentException exception = Assert.Throws<ArgumentException>(
            argument, () => call(plan, new float[72], new float[108], new float[3], new float[54], context));
        Assert.Contains($"{expected} elements; got ", exception.Message);
    }

    [Fact]
    public void Needs_a_context()
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse("mb1ic1ih1oc1kh1"));
        var one = new float[1];
        Assert.Throws<ArgumentNullException>("context", () => plan.Forward(one, one, one, one, null!));
        Assert.Throws<ArgumentNullException>("context", () => plan.BackwardData(one, one, one, null!));
        Assert.Throws<ArgumentNullException>("context", () => plan.BackwardWeights(one, one, one, one, null!));
    }

    // Every algorithm that takes the problem and computes it exactly, each as on a core with OpenBLAS's small-matrix kernels and
    // as on one without. The NHWC algorithms have tests of their own.
    private static IEnumerable<ConvolutionPlan> Plans(Conv2dDims dims)
    {
        foreach (ConvolutionAlgorithm algorithm in (ConvolutionAlgorithm[])[ConvolutionAlgorithm.Pointwise, ConvolutionAlgorithm.Direct, ConvolutionAlgorithm.Im2Col])
        {
            if (ConvolutionRules.Impossible(algorithm, dims) is not null)
                continue;
            foreach (bool smallKernels in (bool[])[true, false])
                yield return new ConvolutionPlan(dims, algorithm, null, smallKernels);
        }
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
