using System.Runtime.ExceptionServices;
using HybridCnn.Interop;

namespace HybridCnn.Compute;

/// <summary>What a worker does with its share: items <paramref name="start"/> up to, not including, <paramref name="end"/>.</summary>
internal delegate void RangeBody<in TState>(TState state, int worker, int start, int end);

/// <summary>
/// Cuts a range into one contiguous share per worker (<see cref="For"/>), always the same share for the same worker, so that sums taken in worker order
/// have the same bits on every run, and has them done by threads: its own (<see cref="WorkerThreads"/>) or the calling program's
/// (<see cref="ComputeOptions.ParallelFor"/>). Dispatch allocates nothing; bodies are static and take their arguments from a state object. Within a
/// body, denormal numbers are zero: they carry nothing that training needs and cost a hundred cycles each. Callers from several threads take turns.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    // Enough that a thread which comes late or is interrupted costs an eighth of its part, few enough that taking them costs nothing.
    private const int ChunksPerWorker = 8;

    private const int NotCalled = 0, Called = 1, Returned = 2;

    // Numbers of 8 bytes in two cache lines, which processors fetch together.
    private const int Line = 16;

    // The pool of the body that runs on this thread, unless the thread is the one that has the turn.
    [ThreadStatic]
    private static WorkerPool? t_owner;

    // Held by the caller whose turn it is. Waiting for it spins a little, then parks, and the longest waiter is not overtaken for ever.
    private readonly Lock _turn = new();
    private readonly WorkerThreads? _ownThreads;
    private readonly ParallelFor _parallelFor;
    private readonly Action<int> _runShares;
    private readonly int[] _calls;
    private readonly Exception?[] _failures;
    private readonly int _threadCount;
    private bool _stop;
    private bool _running;

    private Job? _job;
    private object? _state;
    private Delegate? _body;
    private int _count;
    private int _chunk;

    // Per thread the number of its next chunk, on a cache line of its own.
    private readonly long[] _next;

    /// <param name="threadCount">Threads, the calling one included.</param>
    /// <param name="workerCount">Shares of work; as many as threads unless given. A thread takes the shares of several workers in turn.</param>
    /// <param name="parallelFor">Who has the threads; null for threads that live as long as the pool.</param>
    public WorkerPool(int threadCount, int? workerCount = null, ParallelFor? parallelFor = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        // Also loads the native part here, where an error reaches the caller, and not on the first worker.
        _ = NativeMethods.FloatingPointModeGet();
        WorkerCount = workerCount ?? threadCount;
        // A thread without a share would only be woken and sent to sleep again.
        _threadCount = Math.Min(threadCount, WorkerCount);
        _failures = new Exception?[WorkerCount];
        _calls = new int[_threadCount];
        _runShares = RunShares;
        _ownThreads = parallelFor is null ? new WorkerThreads(_threadCount) : null;
        _parallelFor = parallelFor ?? _ownThreads!.Run;
        _next = new long[(_threadCount + 1) * Line];
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
            for (int thread = 0; thread < _threadCount && chunk > 0; thread++)
                _next[(thread + 1) * Line] = FirstChunk(thread);
            Array.Clear(_calls);
            Array.Clear(_failures);
            if (_threadCount == 1)
                RunShares(0);
            else
                _parallelFor(_threadCount, _runShares);
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
    /// As <see cref="For"/>, but in chunks: a thread that is done with its own takes those of others, so that one that the system keeps busy elsewhere
    /// holds nobody up. For bodies whose results don't depend on the worker: who takes which chunk differs from run to run, the chunks don't.
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
        _stop = true;
        _ownThreads?.Dispose();
        Exit();
    }

    // What a thread does in one dispatch, on whichever thread; nothing is thrown from here. Shares are done once, whatever the caller's loop does.
    private void RunShares(int thread)
    {
        if ((uint)thread >= (uint)_threadCount || Interlocked.CompareExchange(ref _calls[thread], Called, NotCalled) != NotCalled)
            return;
        if (_turn.IsHeldByCurrentThread)
        {
            TakeShares(thread);
        }
        else
        {
            WorkerPool? outer = t_owner;
            ulong threadsMode = NativeMethods.FloatingPointModeFlush();
            t_owner = this;
            TakeShares(thread);
            t_owner = outer;
            NativeMethods.FloatingPointModeSet(threadsMode);
        }

        Volatile.Write(ref _calls[thread], Returned);
    }

    // The shares of a thread are neighbours: they touch memory that lies together.
    private void TakeShares(int thread)
    {
        int first = WorkerCount * thread / _threadCount, end = WorkerCount * (thread + 1) / _threadCount;
        if (_chunk > 0)
        {
            // Its own chunks first, which are neighbours and the same for the next pass over as many items: what this one writes, that one finds in the
            // thread's cache. Then what the others have left.
            for (int i = 0; i < _threadCount; i++)
            {
                int owner = (thread + i) % _threadCount;
                long last = FirstChunk(owner + 1);
                for (long chunk; (chunk = Interlocked.Increment(ref _next[(owner + 1) * Line]) - 1) < last;)
                    Run(first, (int)(chunk * _chunk), (int)Math.Min(_count, (chunk + 1) * _chunk));
            }

            return;
        }

        for (int worker = first; worker < end; worker++)
            Run(worker, (int)((long)_count * worker / WorkerCount), (int)((long)_count * (worker + 1) / WorkerCount));
    }

    private long FirstChunk(int thread) => ((long)_count + _chunk - 1) / _chunk * thread / _threadCount;

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
        foreach (int call in _calls)
        {
            if (call != Returned)
            {
                throw new InvalidOperationException(
                    $"{nameof(ComputeOptions.ParallelFor)} returned before all {_threadCount} calls of the body had: it calls the body with each of 0 to {_threadCount - 1}, and waits for them.");
            }
        }

        foreach (Exception? failure in _failures)
        {
            if (failure is not null)
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
