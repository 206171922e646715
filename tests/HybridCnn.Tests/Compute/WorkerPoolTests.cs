using HybridCnn.Compute;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Compute;

public class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_is_done_once_and_by_the_same_worker_every_time(int workers)
    {
        using var pool = new WorkerPool(workers);
        foreach (int count in new[] { 1, 2, 3, 7, 64, 1000 })
        {
            var first = new int[count];
            var again = new int[count];
            foreach (int[] owner in new[] { first, again })
            {
                Array.Fill(owner, -1);
                pool.For(count, owner, static (o, worker, start, end) =>
                {
                    for (int i = start; i < end; i++)
                        o[i] = o[i] == -1 ? worker : throw new InvalidOperationException($"item {i} was done twice");
                });
            }

            Assert.DoesNotContain(-1, first);
            Assert.Equal(first, again);
            Assert.Equal(first.Order(), first);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 12)]
    public void Every_item_of_a_chunked_range_is_done_once(int threads, int workers)
    {
        using var pool = new WorkerPool(threads, workers);
        foreach (var (count, grain) in ((int, int)[])[(1, 1), (7, 3), (64, 1), (1000, 240), (5, 1000)])
        {
            var done = new int[count];
            var starts = new HashSet<int>();
            pool.ForChunks(count, grain, Tuple.Create(done, starts), static (state, worker, start, end) =>
            {
                lock (state.Item2)
                    state.Item2.Add(start);
                for (int i = start; i < end; i++)
                    Interlocked.Increment(ref state.Item1[i]);
            });
            Assert.All(done, times => Assert.Equal(1, times));
            Assert.All(starts, start => Assert.Equal(0, start % grain));
        }
    }

    [Fact]
    public void A_thread_that_comes_late_does_not_hold_up_a_chunked_range()
    {
        using var pool = new WorkerPool(2);
        var perWorker = new int[2];
        pool.ForChunks(64, 1, perWorker, static (items, worker, start, end) =>
        {
            // The first one waits as if the system had taken its processor away, until the other has done what it can.
            if (start == 0)
                SpinWait.SpinUntil(() => Volatile.Read(ref items[1 - worker]) >= 48, TimeSpan.FromSeconds(60));
            Interlocked.Add(ref items[worker], end - start);
        });
        Assert.Equal(64, perWorker[0] + perWorker[1]);
        Assert.InRange(perWorker.Min(), 1, 16);
    }

    [Fact]
    public void No_item_calls_no_body()
    {
        using var pool = new WorkerPool(3);
        var calls = new int[1];
        pool.For(0, calls, static (c, _, _, _) => Interlocked.Increment(ref c[0]));
        Assert.Equal(0, calls[0]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_exception_in_a_body_comes_back_and_the_pool_lives_on(int failing)
    {
        using var pool = new WorkerPool(3);
        var state = new int[] { failing };
        for (int round = 0; round < 50; round++)
        {
            var e = Assert.Throws<InvalidDataException>(() => pool.For(3, state, static (s, worker, _, _) =>
            {
                if (worker == s[0])
                    throw new InvalidDataException($"worker {worker}");
            }));
            Assert.Equal($"worker {failing}", e.Message);
        }

        var sum = new int[1];
        pool.For(10, sum, static (s, _, start, end) => Interlocked.Add(ref s[0], end - start));
        Assert.Equal(10, sum[0]);
    }

    [Fact]
    public void Dispatch_allocates_nothing()
    {
        using var pool = new WorkerPool(2);
        var sum = new long[2];
        int done = 0;
        void Repeat(int rounds)
        {
            for (int i = 0; i < rounds; i++, done++)
                pool.For(100, sum, static (s, worker, start, end) => s[worker] += end - start);
        }

        Repeat(100);
        Assert.Equal(0, Allocations.OfThisThread(() => Repeat(1000)));
        Assert.Equal(done * 100L, sum[0] + sum[1]);
    }

    [Fact]
    public void Parked_workers_wake_up_again()
    {
        using var pool = new WorkerPool(4);
        var sum = new int[1];
        for (int round = 0; round < 300; round++)
        {
            pool.For(4, sum, static (s, _, start, end) => Interlocked.Add(ref s[0], end - start));
            // Around the length of the spin, so that some rounds meet a worker just as it parks.
            if (round % 3 == 0)
                Thread.Sleep(TimeSpan.FromMicroseconds(round));
        }

        Assert.Equal(300 * 4, sum[0]);
    }

    [Fact]
    public void Pools_side_by_side_do_not_mix()
    {
        Parallel.For(0, 8, seed =>
        {
            using var pool = new WorkerPool(1 + seed % 3);
            var sum = new long[1];
            for (int round = 0; round < 500; round++)
                pool.For(seed + 1, sum, static (s, _, start, end) => Interlocked.Add(ref s[0], end - start));
            Assert.Equal(500L * (seed + 1), sum[0]);
        });
    }
}
