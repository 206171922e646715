using System.Collections.Concurrent;

namespace HybridCnn.Operators;

/// <summary>
/// What <see cref="ConvolutionPlan.Tune(Tensors.Conv2dDims, Compute.ComputeContext, TuningCache?)"/> has measured, so that it need not measure it again;
/// a TuningFile keeps it for other processes. Holds entries of any machine; only those of this one are used. Safe to use from any thread.
/// </summary>
public sealed class TuningCache
{
    private readonly ConcurrentDictionary<TuningKey, TuningResult> _results = new();

    /// <summary>How many passes it knows.</summary>
    public int Count => _results.Count;

    internal IEnumerable<KeyValuePair<TuningKey, TuningResult>> Entries => _results;

    internal TuningResult? Find(TuningKey key) => _results.GetValueOrDefault(key);

    internal void Set(TuningKey key, TuningResult result) => _results[key] = result;
}
