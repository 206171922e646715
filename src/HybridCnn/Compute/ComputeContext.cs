namespace HybridCnn.Compute;

/// <summary>
/// The threads and the scratch memory that operators and layers run with. Any number of contexts may exist; one context
/// serves one call at a time (a second caller gets an <see cref="InvalidOperationException"/>, never a wrong result).
/// </summary>
public sealed class ComputeContext : IDisposable
{
    /// <summary>Starts a context.</summary>
    /// <param name="threads">Number of threads, or 0 for <see cref="ThreadCount.Default"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above <see cref="ThreadCount.Maximum"/>.</exception>
    public ComputeContext(int threads = 0)
    {
        Threads = ThreadCount.Decide(threads);
        Workers = new WorkerPool(Threads.Count);
        Workspace = new Workspace(Threads.Count);
    }

    /// <summary>How many threads, and why.</summary>
    public ThreadCount Threads { get; }

    internal WorkerPool Workers { get; }

    internal Workspace Workspace { get; }

    /// <summary>Ends the threads.</summary>
    public void Dispose() => Workers.Dispose();
}
