namespace HybridCnn.Compute;

/// <summary>How to compute. Immutable; one object may serve any number of contexts and plans.</summary>
public sealed record ComputeOptions
{
    private readonly int _threads;
    private readonly long _workspaceLimit = 64 << 20;

    /// <summary>The default: all processors that this process may use, fast, 64 MB of scratch memory.</summary>
    public static ComputeOptions Default { get; } = new();

    /// <summary>Number of threads, or 0 for <see cref="ThreadCount.Default"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above <see cref="ThreadCount.Maximum"/>.</exception>
    public int Threads
    {
        get => _threads;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(Threads));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, ThreadCount.Maximum, nameof(Threads));
            _threads = value;
        }
    }

    /// <summary>
    /// Threads of the calling program to compute on, so that two kinds of threads don't take the processors from each other; null: the context
    /// starts threads of its own, which sleep between calls. The bits are the same, for the same <see cref="Threads"/>.
    /// </summary>
    public ParallelFor? ParallelFor { get; init; }

    /// <summary>How far the algorithms may round.</summary>
    public Precision Precision { get; init; } = Precision.Fast;

    /// <summary>
    /// The same bits for any number of threads, not only for the same number: work is cut into a fixed number of shares, of which
    /// a thread takes several. More threads than <see cref="DeterministicShares"/> bring nothing then.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>Into how many shares deterministic work is cut: even shares for 1, 2, 3, 4, 6 and 12 threads.</summary>
    public const int DeterministicShares = 12;

    /// <summary>Scratch memory in bytes, of all threads together, that algorithms keep to where they can and are refused where they can't.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long WorkspaceLimit
    {
        get => _workspaceLimit;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(WorkspaceLimit));
            _workspaceLimit = value;
        }
    }

    /// <summary>Into how many shares work is cut, each with scratch memory of its own.</summary>
    internal int Shares => Deterministic ? DeterministicShares : ThreadCount.Decide(Threads).Count;
}
