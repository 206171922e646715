using System.Diagnostics;

namespace HybridCnn.Compute;

/// <summary>
/// The threads and the scratch memory that operators and layers run with. Any number of contexts may exist. Any number of threads
/// may share one: it serves one call at a time, and the others wait for their turn; those that are to compute at the same time need
/// a context each. Convolution plans may be shared by all of them. A layer, and so a network, keeps numbers between its passes
/// and serves one caller, whatever the context.
/// </summary>
public sealed class ComputeContext : IDisposable
{
    private readonly List<object> _states = [];
    private bool _entered;

    /// <summary>Starts a context with default options.</summary>
    /// <param name="threads">Number of threads, or 0 for <see cref="ThreadCount.Default"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above <see cref="ThreadCount.Maximum"/>.</exception>
    public ComputeContext(int threads = 0)
        : this(new ComputeOptions { Threads = threads })
    {
    }

    /// <summary>Starts a context.</summary>
    public ComputeContext(ComputeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        Threads = ThreadCount.Decide(options.Threads);
        Workers = new WorkerPool(Threads.Count, options.Shares, options.ParallelFor);
        Workspace = new Workspace(options.Shares);
    }

    /// <summary>What it was made with.</summary>
    public ComputeOptions Options { get; }

    /// <summary>How many threads, and why.</summary>
    public ThreadCount Threads { get; }

    /// <summary>
    /// Whether layers that behave differently in training (batch normalization) do so. True unless set; evaluation sets it to
    /// false for as long as it lasts. It holds for all callers: networks of which one trains while another is evaluated need a
    /// context each.
    /// </summary>
    public bool IsTraining { get; set; } = true;

    /// <summary>Whether layers run a second time for what they made the first time: they may not count or remember it again.</summary>
    internal bool IsRecomputing { get; set; }

    internal WorkerPool Workers { get; }

    /// <summary>Whether somebody takes the time of layers.</summary>
    internal bool IsTimed { get; set; }

    /// <summary>When a layer was last done with the gradient of its weights, if that is a pass of its own and somebody takes the time.</summary>
    internal long WeightsDone { get; private set; }

    internal Workspace Workspace { get; }

    /// <summary>Ends the threads, after the call that has its turn. Later calls that need them get an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose() => Workers.Dispose();

    /// <summary>
    /// Claims the context for a call that uses its workspace or its states, waiting for its turn; dispose of what it returns, on
    /// the same thread.
    /// </summary>
    /// <exception cref="InvalidOperationException">Called from within a call of this context.</exception>
    internal Claim Enter()
    {
        Workers.Enter();
        if (_entered)
        {
            Workers.Exit();
            throw WorkerPool.CalledFromWithin();
        }

        _entered = true;
        return new Claim(this);
    }

    /// <summary>Waits for its turn, and lets the calling thread's calls take their scratch memory from a block of its own; dispose of what it returns, on the same thread.</summary>
    /// <param name="block">Starts on a line of 64 bytes, and is pinned meanwhile.</param>
    internal LentWorkspace Lend(PinnedSpan block)
    {
        Workers.Enter();
        Workspace.Lend(block);
        return new LentWorkspace(this);
    }

    /// <summary>Called by a layer between the gradients of its weights and of its input.</summary>
    internal void NoteWeightsDone()
    {
        if (IsTimed)
            WeightsDone = Stopwatch.GetTimestamp();
    }

    /// <summary>This context's one object of a type, made on first use: what carries an operator's arguments to the workers.</summary>
    internal TState State<TState>()
        where TState : class, new()
    {
        foreach (object state in _states)
        {
            if (state is TState found)
                return found;
        }

        var made = new TState();
        _states.Add(made);
        return made;
    }

    internal readonly ref struct Claim(ComputeContext context)
    {
        public void Dispose()
        {
            context._entered = false;
            context.Workers.Exit();
        }
    }
    internal readonly ref struct LentWorkspace(ComputeContext context)
    {
        public void Dispose()
        {
            context.Workspace.GiveBack();
            context.Workers.Exit();
        }
    }
}
