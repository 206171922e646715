using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

[Collection(RunsAlone.Name)]
public class ConvolutionTuneTests
{
    private const string Problem = "mb2ic16ih9oc32kh3ph1nhwc";

    private static readonly ConvolutionPass[] Passes = Enum.GetValues<ConvolutionPass>();

    // All algorithms take equally many looks, so the rules' choice wins; a contest ends after a few runs.
    private readonly ScriptedClock _clock = new() { PerLook = TimeSpan.FromMilliseconds(40) };
    private readonly TuningCache _cache = new();

    [Fact]
    public void Explains_what_it_measured_for_each_pass()
    {
        using var context = new ComputeContext(2);
        ConvolutionPlan plan = Tune(Problem, context);
        string[] tuned = [.. plan.Explain().Split('\n').Where(line => line.Contains("    tuned: ", StringComparison.Ordinal))];
        Assert.Equal(3, tuned.Length);
        Assert.All(tuned, line => Assert.All(
            (string[])["WinogradF4 ", "WinogradF2 ", "Taps ", "Im2Col "], name => Assert.Contains(name, line)));
        Assert.Equal(3, _cache.Count);
        Assert.Equal(context.Options, plan.Options);
    }

    [Fact]
    public void Keeps_to_the_precision()
    {
        using var precise = new ComputeContext(new ComputeOptions { Threads = 1, Precision = Precision.Precise });
        string text = Tune(Problem, precise).Explain();
        Assert.DoesNotContain("WinogradF4 ", text);
        Assert.Contains("WinogradF4: rounds more than Precise allows", text);
        using var exact = new ComputeContext(new ComputeOptions { Threads = 1, Precision = Precision.Exact });
        Assert.DoesNotContain("WinogradF2 ", Tune(Problem, exact).Explain());
    }

    [Fact]
    public void Keeps_to_the_limit_of_the_workspace()
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = 1, WorkspaceLimit = 100 });
        ConvolutionPlan plan = Tune(Problem, context);
        Assert.All(Passes, pass => Assert.Equal(ConvolutionAlgorithm.Im2Col, plan.Algorithm(pass)));
        Assert.Contains("bytes, the limit is 100", plan.Explain());
        Assert.Contains("nothing to tune: no other algorithm may serve", plan.Explain());
        Assert.NotNull(plan.Fallback(ConvolutionPass.Forward));
        Assert.Equal((0, 0), (_cache.Count, _clock.Looks));
    }

    [Fact]
    public void Does_not_measure_twice()
    {
        using var context = new ComputeContext(2);
        Tune(Problem, context);
        int looks = _clock.Looks;
        Assert.Contains("    tuned earlier: ", Tune(Problem, context).Explain());
        Assert.Equal(looks, _clock.Looks);

        using var more = new ComputeContext(3);
        Assert.Contains("    tuned: ", Tune(Problem, more).Explain());
        Assert.Equal(6, _cache.Count);
    }

    [Fact]
    public void Deterministic_choices_do_not_depend_on_the_number_of_threads()
    {
        using var one = new ComputeContext(new ComputeOptions { Threads = 1, Deterministic = true });
        using var two = new ComputeContext(new ComputeOptions { Threads = 2, Deterministic = true });
        Tune(Problem, one);
        Assert.Contains("    tuned earlier: ", Tune(Problem, two).Explain());
    }

    [Theory]
    [InlineData(ConvolutionAlgorithm.WinogradF2)]
    [InlineData(ConvolutionAlgorithm.Taps)]
    [InlineData(ConvolutionAlgorithm.Im2Col)]
    public void A_tuned_plan_runs_what_was_found_agrees_with_the_reference_and_allocates_nothing(ConvolutionAlgorithm found)
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = 2, Precision = Precision.Precise });
        using var data = new ConvolutionPassesCase(Conv2dDims.Parse(Problem), new SeededRandom(4));
        Know(data.Dims, context, found);
        ConvolutionPlan plan = Tune(Problem, context);
        Assert.All(Passes, pass => Assert.Equal((found, null), (plan.Algorithm(pass), plan.Fallback(pass))));
        var planned = new Planned(plan);
        data.Check(planned, context);

        Assert.Equal(0, Allocations.OfAllThreads(() => data.Run(planned, context)));
    }

    [Fact]
    public void An_entry_that_may_not_serve_is_ignored_with_a_reason_and_replaced()
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = 1, Precision = Precision.Exact });
        var dims = Conv2dDims.Parse(Problem);
        Know(dims, context, ConvolutionAlgorithm.WinogradF4);
        string text = Tune(Problem, context).Explain();
        Assert.Contains("the tuning cache names WinogradF4, which may not serve; measured anew", text);
        Assert.Contains("    tuned: ", text);
        Assert.All(Passes, pass => Assert.NotEqual(ConvolutionAlgorithm.WinogradF4, _cache.Find(TuningKey.Of(dims, pass, context))!.Chosen));
    }

    [Fact]
    public void Another_machines_entries_are_not_used()
    {
        using var context = new ComputeContext(1);
        var dims = Conv2dDims.Parse(Problem);
        foreach (ConvolutionPass pass in Passes)
        {
            TuningKey key = TuningKey.Of(dims, pass, context);
            _cache.Set(key with { Processor = "another" }, Result(ConvolutionAlgorithm.Im2Col));
            _cache.Set(key with { Blas = "another" }, Result(ConvolutionAlgorithm.Im2Col));
            _cache.Set(key with { Library = "another" }, Result(ConvolutionAlgorithm.Im2Col));
        }

        Assert.DoesNotContain("tuned earlier", Tune(Problem, context).Explain());
        Assert.Equal(12, _cache.Count);
    }

    [Fact]
    public void A_network_keeps_its_tuned_plans_when_it_runs()
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = 2, Precision = Precision.Exact });
        var convolution = new Conv2d(16, 32, kernelSize: 3, padding: 1);
        var network = new Sequential(new Sequential(convolution), new ReLU());
        Assert.Throws<InvalidOperationException>(() => convolution.Tune(context, _cache));
        var shape = new Shape(2, 16, 9, 9);
        Tensor x = new(shape), y = new(network.Bind(shape)), dy = new(y.Shape);
        Know(convolution.Plan!.Dims, context, ConvolutionAlgorithm.Im2Col);
        List<ConvolutionPlan> tuned = [];
        network.Tune(context, _cache, tuned.Add);
        network.Forward(x, y, context);
        network.Backward(x, y, dy, null, context);
        network.Bind(shape);
        Assert.Same(convolution.Plan, Assert.Single(tuned));
        Assert.Contains("tuned earlier: Im2Col", network.Explain());
    }

    [Fact]
    public void Every_convolution_layer_can_be_tuned()
    {
        using var context = new ComputeContext(2);
        Conv1d row = new(4, 4, kernelSize: 3);
        ConvTranspose2d transposed = new(4, 4, kernelSize: 3);
        Assert.Throws<InvalidOperationException>(() => row.Tune(context, _cache));
        Assert.Throws<InvalidOperationException>(() => transposed.Tune(context, _cache));
        row.Bind(new Shape(2, 4, 9));
        transposed.Bind(new Shape(2, 4, 9, 9));
        Know(row.Plan!.Dims, context, ConvolutionAlgorithm.Direct);
        Know(transposed.Plan!.Dims.Convolution, context, ConvolutionAlgorithm.Direct);
        row.Tune(context, _cache);
        transposed.Tune(context, _cache);
        Assert.All(Passes, pass => Assert.Equal((ConvolutionAlgorithm.Direct, ConvolutionAlgorithm.Direct), (row.Plan!.Algorithm(pass), transposed.Plan!.Algorithm(pass))));
    }

    private ConvolutionPlan Tune(string problem, ComputeContext context) =>
        ConvolutionPlan.Tune(Conv2dDims.Parse(problem), context, _cache, smallKernels: true, _clock);

    private void Know(Conv2dDims dims, ComputeContext context, ConvolutionAlgorithm found)
    {
        foreach (ConvolutionPass pass in Passes)
            _cache.Set(TuningKey.Of(dims, pass, context), Result(found));
    }

    private sealed class Planned(ConvolutionPlan plan) : ConvolutionMethod(plan.Dims)
    {
        public override string Describe(ConvolutionPass pass, int workers) => plan.Explain();

        public override ScratchSize Scratch(ConvolutionPass pass, int workers) => default;

        public override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, bool relu, Span<float> y, ComputeContext context) =>
            plan.Forward(x, weights, bias, y, context, relu);

        public override void BackwardData(ReadOnlySpan<float> dy, ReadOnlySpan<float> weights, Span<float> dx, ComputeContext context) =>
            plan.BackwardData(dy, weights, dx, context);

        public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
            plan.BackwardWeights(x, dy, dWeights, dBias, context);
    }

    private static TuningResult Result(ConvolutionAlgorithm algorithm) => new(algorithm, [new(algorithm, 1, IsStopped: false)]);
}
