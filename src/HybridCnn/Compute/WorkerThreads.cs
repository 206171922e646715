using System.Diagnostics;

namespace HybridCnn.Compute;

/// <summary>
/// Threads that live as long as this object: the pool's own. The calling thread is number 0. One call at a time, for all threads; dispatch allocates nothing.
/// </summary>
internal sealed class WorkerThreads : IDisposable
{
    // Long enough to cover the gap between two layers, short enough that a shared host doesn't notice.
    private static readonly long SpinTicks = Stopwatch.Frequency * 60 / 1_000_000;

    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _parked;
    private int _generation;
    private int _pending;
    private bool _stop;
    private Action<int>? _body;

    /// <param name="count">Threads, the calling one included.</param>
    public WorkerThreads(int count)
    {
        _parked = new int[count];
        _wake = new SemaphoreSlim[count];
        _threads = new Thread[count];
        for (int thread = 1; thread < count; thread++)
        {
            int index = thread;
            _wake[thread] = new SemaphoreSlim(0);
            _threads[thread] = new Thread(() => Loop(index)) { IsBackground = true, Name = $"HybridCnn worker {thread}" };
            _threads[thread].Start();
        }
    }

    /// <summary>A <see cref="ParallelFor"/> over all threads: <paramref name="body"/> gets the number of the thread it runs on, and throws nothing.</summary>
    public void Run(int count, Action<int> body)
    {
        Debug.Assert(count == _threads.Length);
        _body = body;
        Volatile.Write(ref _pending, count - 1);
        Wake();
        body(0);
        var spin = new SpinWait();
        while (Volatile.Read(ref _pending) != 0)
            spin.SpinOnce(sleep1Threshold: -1);
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        Wake();
        for (int thread = 1; thread < _threads.Length; thread++)
        {
            _threads[thread].Join();
            _wake[thread].Dispose();
        }
    }

    private void Wake()
    {
        Interlocked.Increment(ref _generation);
        for (int thread = 1; thread < _threads.Length; thread++)
        {
            if (Interlocked.Exchange(ref _parked[thread], 0) == 1)
                _wake[thread].Release();
        }
    }

    private void Loop(int thread)
    {
        int seen = 0;
        while (true)
        {
            seen = AwaitNewGeneration(thread, seen);
            if (Volatile.Read(ref _stop))
                return;
            _body!(thread);
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
}
