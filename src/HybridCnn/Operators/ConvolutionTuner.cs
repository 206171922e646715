using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Chooses by measuring. For each pass every algorithm competes that takes the problem and keeps to precision and workspace, also those that
/// the rules expect to be slower. Runs on numbers of its own.
/// </summary>
internal sealed class ConvolutionTuner(Conv2dDims dims, ComputeContext context, TuningCache cache, bool smallKernels, TimeProvider clock)
{
    private readonly Lazy<Arrays> _arrays = new(() => new Arrays(dims));

    /// <summary>The choice for a pass, from the cache if it knows the pass.</summary>
    public ConvolutionChoice Choose(ConvolutionPass pass)
    {
        ConvolutionChoice ruled = ConvolutionRules.Choose(dims, pass, ConvolutionAlgorithm.Automatic, context.Options, smallKernels);
        if (ruled.IsAskedFor)
            return ruled;

        List<string> reasons = [];
        List<ConvolutionAlgorithm> candidates = [ruled.Algorithm];
        foreach (ConvolutionAlgorithm algorithm in ConvolutionRules.Order)
        {
            if (ConvolutionRules.Refusal(algorithm, dims, pass, context.Options, smallKernels) is { } refusal)
                reasons.Add($"{algorithm}: {refusal}");
            else if (algorithm != ruled.Algorithm)
                candidates.Add(algorithm);
        }

        if (candidates.Count == 1)
            return ruled with { Reasons = [.. ruled.Reasons, "nothing to tune: no other algorithm may serve"] };

        TuningKey key = TuningKey.Of(dims, pass, context);
        TuningResult? result = cache.Find(key);
        string tuned = "tuned earlier";
        if (result is not null && !candidates.Contains(result.Chosen))
        {
            reasons.Add($"the tuning cache names {result.Chosen}, which may not serve; measured anew");
            result = null;
        }

        if (result is null)
        {
            tuned = "tuned";
            result = Measure(pass, candidates);
            cache.Set(key, result);
        }

        reasons.Add($"{tuned}: {result}");
        if (result.Chosen == ruled.Algorithm)
            return ruled with { Reasons = reasons };
        reasons.Add($"by the rules it would be {ruled.Algorithm}");
        return ConvolutionRules.Choose(dims, pass, result.Chosen, context.Options, smallKernels) with { Reasons = reasons };
    }

    private TuningResult Measure(ConvolutionPass pass, List<ConvolutionAlgorithm> candidates)
    {
        Arrays arrays = _arrays.Value;
        arrays.FillInputs(pass);
        Dictionary<ConvolutionAlgorithm, ConvolutionPlan> plans = candidates.ToDictionary(
            algorithm => algorithm, algorithm => new ConvolutionPlan(dims, algorithm, context.Options, smallKernels));
        return TuningContest.Run(candidates, algorithm => arrays.Run(plans[algorithm], pass, context), clock);
    }

    private sealed class Arrays(Conv2dDims dims)
    {
        private const int RandomFloats = 1 << 16;

        private readonly Tensor _x = new(new Shape((int)dims.XCount)), _weights = new(new Shape((int)dims.WeightsCount)), _y = new(new Shape((int)dims.YCount));
        private readonly float[] _bias = new float[dims.OC];

        // What one pass reads, another one has written.
        public void FillInputs(ConvolutionPass pass)
        {
            if (pass != ConvolutionPass.BackwardData)
                Fill(_x.Span);
            if (pass != ConvolutionPass.BackwardWeights)
                Fill(_weights.Span);
            if (pass != ConvolutionPass.Forward)
                Fill(_y.Span);
        }

        public void Run(ConvolutionPlan plan, ConvolutionPass pass, ComputeContext context)
        {
            switch (pass)
            {
                case ConvolutionPass.Forward:
                    plan.Forward(_x.Span, _weights.Span, _bias, _y.Span, context);
                    break;
                case ConvolutionPass.BackwardData:
                    plan.BackwardData(_y.Span, _weights.Span, _x.Span, context);
                    break;
                default:
                    plan.BackwardWeights(_x.Span, _y.Span, _weights.Span, _bias, context);
                    break;
            }
        }

        private static void Fill(Span<float> values)
        {
            var random = new SeededRandom(1);
            int drawn = Math.Min(values.Length, RandomFloats);
            foreach (ref float value in values[..drawn])
                value = random.NextFloat(-1, 1);
            for (int filled = drawn; filled < values.Length; filled += drawn)
                values[..Math.Min(drawn, values.Length - filled)].CopyTo(values[filled..]);
        }
    }
}
