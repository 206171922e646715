using System.Collections.Concurrent;
using HybridCnn.Compute;
using TorchSharp;

namespace HybridCnn.TorchSharp;

/// <summary>One context for all modules with the same options, for as long as the process lives: its threads are parked while nobody calls.</summary>
internal static class SharedContexts
{
    private static readonly ConcurrentDictionary<ComputeOptions, Lazy<ComputeContext>> s_contexts = [];

    /// <summary>Null options: as many threads as PyTorch has now, else the defaults.</summary>
    public static ComputeContext For(ComputeOptions? options) =>
        s_contexts.GetOrAdd(options ?? new ComputeOptions { Threads = torch.get_num_threads() }, static o => new(() => new ComputeContext(o))).Value;
}
