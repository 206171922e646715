using System.Collections.Concurrent;
using HybridCnn.Compute;
using TorchSharp;

namespace HybridCnn.TorchSharp;

/// <summary>One context for all modules with the same options, for as long as the process lives.</summary>
internal static class SharedContexts
{
    private static readonly ConcurrentDictionary<ComputeOptions, Lazy<ComputeContext>> s_contexts = [];

    /// <summary>Null options: as many threads as PyTorch has now, else the defaults. On PyTorch's threads where they are enough, unless the options name others.</summary>
    public static ComputeContext For(ComputeOptions? options)
    {
        options ??= new ComputeOptions { Threads = torch.get_num_threads() };
        if (options.ParallelFor is null && TorchThreads.Refusal(options.Threads > 0 ? options.Threads : ThreadCount.Default.Count) is null)
            options = options with { ParallelFor = TorchThreads.For };
        return s_contexts.GetOrAdd(options, static o => new(() => new ComputeContext(o))).Value;
    }

    /// <summary>"2 threads, PyTorch's", and why where they aren't.</summary>
    public static string Describe(ComputeContext context)
    {
        int count = context.Threads.Count;
        ParallelFor? threads = context.Options.ParallelFor;
        return count == 1 ? "1 thread"
            : threads is null ? $"{count} threads of the engine beside PyTorch's{(TorchThreads.Refusal(count) is { } reason ? $": {reason}" : "")}"
            : threads == TorchThreads.For ? $"{count} threads, PyTorch's"
            : $"{count} threads of {nameof(ComputeOptions.ParallelFor)}";
    }
}
