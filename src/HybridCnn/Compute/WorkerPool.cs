using System.Diagnostics;
using System.Runtime.ExceptionServices;
using HybridCnn.Interop;

namespace HybridCnn.Compute;

/// <summary>What a worker does with its share: items <paramref name="start"/> up to, not including, <paramref name="end"/>.</summary>
internal delegate void RangeBody<in TState>(TState state, int worker, int start, int end);

/// <summary>
/// Threads that live as long as the pool. <see cref="For"/> cuts a range into one contiguous share per worker, always the
/// same share for the same worker, so that sums taken in worker order have the same bits on every run. The calling thread is
/// worker 0. Dispatch allocates nothing; bodies are static and take their arguments from a state object. Within a body,
/// denormal numbers are zero: they carry nothing that training needs and cost a hundred cycles each. Callers from several
/// threads take turns.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    // Long enough to cover the gap between two layers, short enough that a shared host doesn't notice.
    private static readonly long SpinTicks = Stopwatch.Frequency * 60 / 1_000_000;

    // Enough that a thread which comes late or is interrupted costs an eighth of its part, few enough that taking them costs nothing.
    private const int ChunksPerWorker = 8;

    [ThreadStatic]
    private static WorkerPool? t_owner;

    // Held by the caller whose turn it is. Waiting for it spins a little, then parks, and the longest waiter is not overtaken for ever.
    private readonly Lock _turn = new();
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _parked;
    private readonly Exception?[] _failures;
    private readonly int _threadCount;
    private int _generation;
    private int _pending;
    private bool _stop;
    private bool _running;

    private Job? _job;
    private object? _state;
    private Delegate? _body;
    private int _count;
    private int _chunk;
    private long _next;

    /// <param name="threadCount">Threads, the calling one included.</param>
    /// <param name="workerCount">Shares of work; as many as threads unless given. A thread takes the shares of several workers in turn.</param>
    public WorkerPool(int threadCount, int? workerCount = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        // Also loads the native part here, where an error reaches the caller, and not on the first worker.
        _ = NativeMethods.FloatingPointModeGet();
        WorkerCount = workerCount ?? threadCount;
        // A thread without a share would only be woken and sent to sleep again.
        _threadCount = Math.Min(threadCount, WorkerCount);
        _failures = new Exception?[WorkerCount];
        _parked = new int[_threadCount];
        _wake = new SemaphoreSlim[_threadCount];
        _threads = new Thread[_threadCount];
        for (int thread = 1; thread < _threadCount; thread++)
        {
            int index = thread;
            _wake[thread] = new SemaphoreSlim(0);
            _threads[thread] = new Thread(() => WorkerLoop(index)) { IsBackground = true, Name = $"HybridCnn worker {thread}" };
            _threads[thread].Start();
        }
    }

    /// <summary>How many shares a range is cut into.</summary>
    public int WorkerCount { get; }

    /// <summary>
    /// Waits until no other thread has its turn, and keeps others out until <see cref="Exit"/>. The thread that has its turn may
    /// enter again, and must leave as often.
    /// </summary>
    /// <exception cref="InvalidOperationException">Called from within a body, which would wait for its own end.</exception>
    /// <exception cref="ObjectDisposedException">The threads have ended.</exception>
    public void Enter()
    {
        if (t_owner == this)
            throw CalledFromWithin();
        _turn.Enter();
        if (_running || _stop)
        {
            _turn.Exit();
            ObjectDisposedException.ThrowIf(_stop, typeof(ComputeContext));
            throw CalledFromWithin();
        }
    }

    /// <summary>Ends what <see cref="Enter"/> began.</summary>
    public void Exit() => _turn.Exit();

    /// <summary>The error of a call that comes from within a call of the same context.</summary>
    public static InvalidOperationException CalledFromWithin() =>
        new("This context is in use by a call that this one comes from within, and would never get its turn; give it a ComputeContext of its own.");

    /// <summary>
    /// Runs <paramref name="body"/> over [0, <paramref name="count"/>), returns when every share is done, and rethrows the
    /// first worker's exception if one failed. A worker without items is not called. Waits for its turn.
    /// </summary>
    /// <exception cref="InvalidOperationException">Called from within a body.</exception>
    public void For<TState>(int count, TState state, RangeBody<TState> body)
        where TState : class => Dispatch(count, state, body, chunk: 0);

    private void Dispatch<TState>(int count, TState state, RangeBody<TState> body, int chunk)
        where TState : class
    {
        if (count <= 0)
            return;
        Enter();
        _running = true;
        ulong callersMode = NativeMethods.FloatingPointModeFlush();
        try
        {
            if (WorkerCount == 1 || count == 1)
            {
                body(state, 0, 0, count);
                return;
            }

            _job = Job<TState>.Instance;
            _state = state;
            _body = body;
            _count = count;
            _chunk = chunk;
            _next = 0;
            Volatile.Write(ref _pending, _threadCount - 1);
            Interlocked.Increment(ref _generation);
            for (int thread = 1; thread < _threadCount; thread++)
            {
                if (Interlocked.Exchange(ref _parked[thread], 0) == 1)
                    _wake[thread].Release();
            }

            RunShares(0);
            var spin = new SpinWait();
            while (Volatile.Read(ref _pending) != 0)
                spin.SpinOnce(sleep1Threshold: -1);
            ThrowFirstFailure();
        }
        finally
        {
            NativeMethods.FloatingPointModeSet(callersMode);
            _state = null;
            _running = false;
            Exit();
        }
    }

    /// <summary>
    /// As <see cref="For"/>, but in chunks that threads take as they get free, so that one that the system keeps busy elsewhere holds
    /// nobody up. For bodies whose results don't depend on the worker: who takes which chunk differs from run to run, the chunks don't.
    /// </summary>
    /// <param name="count">Number of items.</param>
    /// <param name="grain">A chunk is a multiple of so many items.</param>
    /// <param name="state">Handed to the body.</param>
    /// <param name="body">Called any number of times per worker, for one chunk each time.</param>
    public void ForChunks<TState>(int count, int grain, TState state, RangeBody<TState> body)
        where TState : class
    {
        long grains = ((long)count + grain - 1) / grain;
        Dispatch(count, state, body, chunk: (int)Math.Min(count, grain * Math.Max(1, grains / (WorkerCount * ChunksPerWorker))));
    }

    public void Dispose()
    {
        if (_stop)
            return;
        Enter();
        Volatile.Write(ref _stop, true);
        Interlocked.Increment(ref _generation);
        for (int thread = 1; thread < _threadCount; thread++)
        {
            if (Interlocked.Exchange(ref _parked[thread], 0) == 1)
                _wake[thread].Release();
            _threads[thread].Join();
            _wake[thread].Dispose();
        }

        Exit();
    }

    private void WorkerLoop(int thread)
    {
        t_owner = this;
        NativeMethods.FloatingPointModeFlush();
        int seen = 0;
        while (true)
        {
            seen = AwaitNewGeneration(thread, seen);
            if (Volatile.Read(ref _stop))
                return;
            RunShares(thread);
            Interlocked.Decrement(ref _pending);
        }
    }

    private int AwaitNewGeneration(int thread, int seen)
    {
        long deadline = Stopwatch.GetTimestamp() + SpinTicks;
        while (true)
        {
            int generation = Volatile.Read(ref _generation);
            if (generation != seen)
                return generation;
            if (Stopwatch.GetTimestamp() < deadline)
            {
                Thread.SpinWait(8);
                continue;
            }

            // Announce the park, then look once more: a dispatcher that missed the announcement has already moved on.
            Interlocked.Exchange(ref _parked[thread], 1);
            if (Volatile.Read(ref _generation) != seen)
            {
                if (Interlocked.Exchange(ref _parked[thread], 0) == 0)
                    _wake[thread].Wait();
            }
            else
            {
                _wake[thread].Wait();
            }
        }
    }

    // The shares of a thread are neighbours: they touch memory that lies together.
    private void RunShares(int thread)
    {
        int first = WorkerCount * thread / _threadCount, end = WorkerCount * (thread + 1) / _threadCount;
        if (_chunk > 0)
        {
            for (long start; (start = Interlocked.Add(ref _next, _chunk) - _chunk) < _count;)
                Run(first, (int)start, (int)Math.Min(_count, start + _chunk));
            return;
        }

        for (int worker = first; worker < end; worker++)
            Run(worker, (int)((long)_count * worker / WorkerCount), (int)((long)_count * (worker + 1) / WorkerCount));
    }

    private void Run(int worker, int start, int end)
    {
        if (start == end)
            return;
        try
        {
            _job!.Run(_body!, _state!, worker, start, end);
        }
        catch (Exception e) when (WorkerCount > 1)
        {
            _failures[worker] = e;
        }
    }

    private void ThrowFirstFailure()
    {
        for (int worker = 0; worker < WorkerCount; worker++)
        {
            if (_failures[worker] is not { } failure)
                continue;
            Array.Clear(_failures);
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    // One object per state type turns the untyped fields back into a typed call without allocating.
    private abstract class Job
    {
        public abstract void Run(Delegate body, object state, int worker, int start, int end);
    }

    private sealed class Job<TState> : Job
        where TState : class
    {
        public static readonly Job<TState> Instance = new();

        public override void Run(Delegate body, object state, int worker, int start, int end) =>
            ((RangeBody<TState>)body)((TState)state, worker, start, end);
    }
}
