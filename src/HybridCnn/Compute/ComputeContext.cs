namespace HybridCnn.Compute;

/// <summary>
/// The threads and the scratch memory that operators and layers run with. Any number of contexts may exist; one context
/// serves one call at a time (a second caller gets an <see cref="InvalidOperationException"/>, never a wrong result).
/// </summary>
public sealed class ComputeContext : IDisposable
{
    private readonly List<object> _states = [];
    private int _entered;

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
        Workers = new WorkerPool(Threads.Count, options.Shares);
        Workspace = new Workspace(options.Shares);
    }

    /// <summary>What it was made with.</summary>
    public ComputeOptions Options { get; }

    /// <summary>How many threads, and why.</summary>
    public ThreadCount Threads { get; }

    /// <summary>
    /// Whether layers that behave differently in training (batch normalization) do so. True unless set; evaluation sets it to
    /// false for as long as it lasts.
    /// </summary>
    public bool IsTraining { get; set; } = true;

    internal WorkerPool Workers { get; }

    internal Workspace Workspace { get; }

    /// <summary>Ends the threads.</summary>
    public void Dispose() => Workers.Dispose();

    /// <summary>Claims the context for a call that uses its workspace or its states; dispose of what it returns.</summary>
    /// <exception cref="InvalidOperationException">Another call has it.</exception>
    internal Claim Enter() => Interlocked.Exchange(ref _entered, 1) == 0
        ? new Claim(this)
        : throw new InvalidOperationException("This context is in use by another call; give each thread a ComputeContext of its own.");

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
        public void Dispose() => Volatile.Write(ref context._entered, 0);
    }
}
