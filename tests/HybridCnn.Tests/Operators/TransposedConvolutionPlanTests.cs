using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

/// <summary>The transposed form of every problem, in both layouts.</summary>
public class TransposedConvolutionPlanTests(ITestOutputHelper output)
{
    private static readonly ComputeOptions s_exact = new() { Precision = Precision.Exact };

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Agrees_with_the_reference(string problem)
    {
        foreach (ConvTranspose2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new TransposedConvolutionCase(dims, new SeededRandom(1));
            foreach (TransposedConvolutionPlan plan in Plans(dims))
            {
                foreach (int threads in (int[])[1, 3])
                {
                    using var context = new ComputeContext(threads);
                    data.Check(plan, context);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Is_exact_on_whole_numbers(string problem)
    {
        foreach (ConvTranspose2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new TransposedConvolutionCase(dims, new SeededRandom(2), integers: true, bias: dims.OC % 2 == 0, side: GuardSide.Start);
            using var context = new ComputeContext(2);
            foreach (TransposedConvolutionPlan plan in Plans(dims))
                data.Check(plan, context);
        }
    }

    [Fact]
    public void Agrees_with_the_reference_on_anything() =>
        Fuzz.Run(output, 100, Fuzz.Convolution, (drawn, random) =>
        {
            using var context = new ComputeContext(1 + random.NextInt(3));
            foreach (ConvTranspose2dDims dims in Layouts(drawn))
            {
                using var data = new TransposedConvolutionCase(dims, random, random.NextInt(2) == 0, random.NextInt(2) == 0, (GuardSide)random.NextInt(2));
                foreach (TransposedConvolutionPlan plan in Plans(dims))
                    data.Check(plan, context);
            }
        });

    // Large enough that bias and its gradient are shared out to threads, with planes and rows that end within a cache line.
    [Theory]
    [InlineData("mb2ic1ih161iw203oc1kh1")]
    [InlineData("mb1ic3ih151iw149oc1kh1")]
    [InlineData("mb1ic67ih33iw32oc1kh1")]
    [InlineData("mb3ic96ih16oc1kh1")]
    public void Adds_the_bias_on_several_threads(string problem)
    {
        foreach (ConvTranspose2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new TransposedConvolutionCase(dims, new SeededRandom(3), integers: true);
            foreach (int threads in (int[])[1, 2, 3])
            {
                using var context = new ComputeContext(threads);
                data.Check(new TransposedConvolutionPlan(dims, options: s_exact), context);
            }
        }
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void The_three_passes_are_adjoint(string problem)
    {
        // y is linear in x and in w, so <y, dy> = <x, dx> = <w, dw>, whatever the numbers.
        foreach (ConvTranspose2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new TransposedConvolutionCase(dims, new SeededRandom(4), bias: false);
            using var context = new ComputeContext(2);
            var plan = new TransposedConvolutionPlan(dims, options: s_exact);
            data.Run(plan, context);
            data.DW.Span.Clear();
            plan.BackwardWeights(data.X.Span, data.DY.Span, data.DW.Span, [], context);

            double y = Dot(data.Y.Span, data.DY.Span), x = Dot(data.X.Span, data.DX.Span), w = Dot(data.W.Span, data.DW.Span);
            double tolerance = 1e-6 * Math.Sqrt(Dot(data.Y.Span, data.Y.Span) * Dot(data.DY.Span, data.DY.Span)) + 1e-9;
            Assert.InRange(x, y - tolerance, y + tolerance);
            Assert.InRange(w, y - tolerance, y + tolerance);
        }
    }

    [Theory]
    [InlineData("mb5ic20ih12oc50oh8kh5")]
    [InlineData("mb3ic32ih14oc32kh3ph1nhwc")]
    [InlineData("mb3ic32ih14oc32kh4ph1sh2nhwc")]
    [InlineData("g32mb3ic32ih14oc32kh3ph1nhwc")]
    [InlineData("mb2ic7ih80oc3oh80kh3ph1")]
    public void Deterministic_gives_the_same_bits_for_any_number_of_threads(string problem)
    {
        var dims = new ConvTranspose2dDims(Conv2dDims.Parse(problem));
        using var data = new TransposedConvolutionCase(dims, new SeededRandom(5));
        int[]? first = null;
        foreach (int threads in (int[])[1, 2, 3, 4])
        {
            var options = new ComputeOptions { Threads = threads, Deterministic = true };
            using var context = new ComputeContext(options);
            data.Run(new TransposedConvolutionPlan(dims, options: options), context);
            Assert.Equal(first ??= data.Bits(), data.Bits());
        }
    }

    [Theory]
    [InlineData("mb5ic20ih12oc50oh8kh5", 2)]
    [InlineData("mb3ic7ih30oc9oh30kh3ph1nhwc", 3)]
    public void Reruns_give_the_same_bits(string problem, int threads)
    {
        var dims = new ConvTranspose2dDims(Conv2dDims.Parse(problem));
        using var data = new TransposedConvolutionCase(dims, new SeededRandom(6));
        var plan = new TransposedConvolutionPlan(dims);
        int[]? first = null;
        for (int run = 0; run < 4; run++)
        {
            using var context = new ComputeContext(threads);
            data.Run(plan, context);
            data.Run(plan, context);
            Assert.Equal(first ??= data.Bits(), data.Bits());
        }
    }

    [Fact]
    public void Plans_each_pass_as_its_counterpart()
    {
        var dims = new ConvTranspose2dDims(Conv2dDims.Parse("mb8ic256ih14oc512oh7kh3sh2ph1nhwc"));
        var options = new ComputeOptions { Precision = Precision.Precise, Threads = 2, WorkspaceLimit = 1 << 20 };
        var plan = new TransposedConvolutionPlan(dims, options: options);
        var ordinary = new ConvolutionPlan(dims.Convolution, options: options);
        Assert.Equal(options, plan.Options);
        Assert.Equal(dims, plan.Dims);
        foreach (var (transposed, counterpart) in ((ConvolutionPass, ConvolutionPass)[])
            [(ConvolutionPass.Forward, ConvolutionPass.BackwardData), (ConvolutionPass.BackwardData, ConvolutionPass.Forward), (ConvolutionPass.BackwardWeights, ConvolutionPass.BackwardWeights)])
        {
            Assert.Equal(ordinary.Algorithm(counterpart), plan.Algorithm(transposed));
            Assert.Equal(ordinary.WorkspaceBytes(counterpart), plan.WorkspaceBytes(transposed));
        }

        Assert.Equal($"Transposed: its Forward is BackwardData of the following, its BackwardData is Forward{Environment.NewLine}{ordinary.Explain()}", plan.Explain());
        Assert.Contains("asked for", new TransposedConvolutionPlan(dims, ConvolutionAlgorithm.Im2Col).Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_geometries_it_cannot_run()
    {
        Assert.Throws<ArgumentException>("dims", () => new TransposedConvolutionPlan(default));
        Assert.Throws<ArgumentException>("algorithm", () => new TransposedConvolutionPlan(new(Conv2dDims.Parse("ic1ih5oc1kh3")), ConvolutionAlgorithm.Pointwise));
        Assert.Throws<ArgumentOutOfRangeException>("pass", () => new TransposedConvolutionPlan(new(Conv2dDims.Parse("ic1ih5oc1kh3"))).Algorithm((ConvolutionPass)7));
    }

    public static TheoryData<string, int, Action<TransposedConvolutionPlan, float[], float[], float[], float[], ComputeContext>> WrongLengths => new()
    {
        { "x", 54, (p, x, w, b, y, c) => p.Forward(y, w, b, y, c) },
        { "weights", 108, (p, x, w, b, y, c) => p.Forward(x, b, b, y, c) },
        { "bias", 4, (p, x, w, b, y, c) => p.Forward(x, w, w, y, c) },
        { "y", 72, (p, x, w, b, y, c) => p.Forward(x, w, b, b, c) },
        { "dy", 72, (p, x, w, b, y, c) => p.BackwardData(x, w, x, c) },
        { "weights", 108, (p, x, w, b, y, c) => p.BackwardData(y, b, x, c) },
        { "dx", 54, (p, x, w, b, y, c) => p.BackwardData(y, w, b, c) },
        { "x", 54, (p, x, w, b, y, c) => p.BackwardWeights(b, y, w, b, c) },
        { "dy", 72, (p, x, w, b, y, c) => p.BackwardWeights(x, b, w, b, c) },
        { "dWeights", 108, (p, x, w, b, y, c) => p.BackwardWeights(x, y, b, b, c) },
        { "dBias", 4, (p, x, w, b, y, c) => p.BackwardWeights(x, y, w, w, c) },
    };

    [Theory]
    [MemberData(nameof(WrongLengths), DisableDiscoveryEnumeration = true)]
    public void Names_a_span_of_the_wrong_length(
        string argument, int expected, Action<TransposedConvolutionPlan, float[], float[], float[], float[], ComputeContext> call)
    {
        var plan = new TransposedConvolutionPlan(new(Conv2dDims.Parse("mb2ic4ih3oc3oh3kh3ph1")));
        using var context = new ComputeContext(1);
        ArgumentException exception = Assert.Throws<ArgumentException>(
            argument, () => call(plan, new float[54], new float[108], new float[4], new float[72], context));
        Assert.Contains($"of transposed mb2ic4ih3oc3oh3kh3ph1, {expected} elements; got ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Needs_a_context()
    {
        var plan = new TransposedConvolutionPlan(new(Conv2dDims.Parse("mb1ic1ih1oc1kh1")));
        var one = new float[1];
        Assert.Throws<ArgumentNullException>("context", () => plan.Forward(one, one, one, one, null!));
        Assert.Throws<ArgumentNullException>("context", () => plan.BackwardData(one, one, one, null!));
        Assert.Throws<ArgumentNullException>("context", () => plan.BackwardWeights(one, one, one, one, null!));
    }

    private static IEnumerable<ConvTranspose2dDims> Layouts(Conv2dDims dims) => [new(dims.In(Layout.Nchw)), new(dims.In(Layout.Nhwc))];

    // What is chosen, and the algorithm that takes every problem.
    private static IEnumerable<TransposedConvolutionPlan> Plans(ConvTranspose2dDims dims) =>
        [new(dims, options: s_exact), new(dims, ConvolutionAlgorithm.Im2Col, s_exact)];

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
