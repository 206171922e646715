using System.Collections.Concurrent;
using HybridCnn.Compute;
using TorchSharp;

namespace HybridCnn.TorchSharp;

/// <summary>One context for all modules with the same options, for as long as the process lives.</summary>
internal static class SharedContexts
{
    private static readonly ConcurrentDictionary<ComputeOptions, Lazy<ComputeContext>> s_contexts = [];

    /// <summary>Null options: as many threads as PyTorch has now, else the defaults. On PyTorch's threads, unless the options name others.</summary>
    public static ComputeContext For(ComputeOptions? options)
    {
        options ??= new ComputeOptions { Threads = torch.get_num_threads() };
        if (options.ParallelFor is null && TorchThreads.Unavailable is null)
            options = options with { ParallelFor = TorchThreads.For };
        return s_contexts.GetOrAdd(options, static o => new(() => new ComputeContext(o))).Value;
    }
}
