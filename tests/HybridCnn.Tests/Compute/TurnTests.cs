using HybridCnn.Compute;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Compute;

/// <summary>Several threads, one context: who waits, who is refused, and when it ends.</summary>
public class TurnTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Callers_of_one_pool_take_turns(int workers)
    {
        using var pool = new WorkerPool(workers);
        // Plain additions by whichever worker: two bodies at once would lose some.
        var sums = new long[workers];
        Task[] callers = Callers(8, _ =>
        {
            for (int round = 0; round < 100; round++)
                pool.For(workers, sums, static (s, worker, start, end) => s[worker] += end - start);
        });
        Finish(callers);
        Assert.All(sums, sum => Assert.Equal(8 * 100, sum));
    }

    [Fact]
    public void A_claim_keeps_other_threads_out_until_it_ends()
    {
        using var context = new ComputeContext(2);
        int inside = 0;
        var numbers = new int[2];
        Task[] callers = Callers(6, _ =>
        {
            for (int round = 0; round < 100; round++)
            {
                using ComputeContext.Claim claim = context.Enter();
                Assert.Equal(1, ++inside);
                for (int part = 0; part < 3; part++)
                    context.Workers.For(2, numbers, static (n, worker, _, _) => n[worker]++);
                Assert.Equal(0, --inside);
            }
        });
        Finish(callers);
        Assert.All(numbers, number => Assert.Equal(6 * 100 * 3, number));
    }

    [Fact]
    public void A_waiting_thread_is_not_overtaken_for_ever()
    {
        using var context = new ComputeContext(2);
        bool done = false;
        var sums = new int[1];
        Task[] busy = Callers(2, _ =>
        {
            while (!Volatile.Read(ref done))
                Claimed();
        });
        Task[] patient = Callers(1, _ =>
        {
            for (int round = 0; round < 10; round++)
                Claimed();
            Volatile.Write(ref done, true);
        });
        Finish([.. patient, .. busy]);

        void Claimed()
        {
            using ComputeContext.Claim claim = context.Enter();
            context.Workers.For(1, sums, static (_, _, _, _) => Thread.SpinWait(1000));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_call_from_within_a_body_is_refused(int workers)
    {
        using var pool = new WorkerPool(workers);
        for (int by = 0; by < workers; by++)
        {
            var calling = Tuple.Create(pool, by);
            var e = Assert.Throws<InvalidOperationException>(() => pool.For(workers, calling, static (calling, worker, _, _) =>
            {
                if (worker == calling.Item2)
                    calling.Item1.For(1, calling, static (_, _, _, _) => { });
            }));
            Assert.Contains("ComputeContext of its own", e.Message, StringComparison.Ordinal);
        }

        var sum = new int[1];
        pool.For(10, sum, static (s, _, start, end) => Interlocked.Add(ref s[0], end - start));
        Assert.Equal(10, sum[0]);
    }

    [Fact]
    public void A_body_may_call_with_another_context()
    {
        using var outer = new WorkerPool(2);
        using var inner = new WorkerPool(2);
        var state = Tuple.Create(inner, new int[1]);
        outer.For(4, state, static (state, _, start, end) =>
        {
            for (int i = start; i < end; i++)
                state.Item1.For(5, state.Item2, static (sum, _, start, end) => Interlocked.Add(ref sum[0], end - start));
        });
        Assert.Equal(4 * 5, state.Item2[0]);
    }

    [Fact]
    public void A_claim_within_a_claim_is_refused_and_the_first_one_stays()
    {
        using var context = new ComputeContext(1);
        Task[] other;
        bool entered = false;
        using (context.Enter())
        {
            Assert.Contains("ComputeContext of its own", Assert.Throws<InvalidOperationException>(() => context.Enter().Dispose()).Message, StringComparison.Ordinal);
            other = Callers(1, _ =>
            {
                using ComputeContext.Claim claim = context.Enter();
                Volatile.Write(ref entered, true);
            });
            Thread.Sleep(50);
            Assert.False(Volatile.Read(ref entered));
        }

        Finish(other);
        Assert.True(entered);
    }

    [Fact]
    public void An_exception_ends_a_turn()
    {
        using var pool = new WorkerPool(2);
        Task[] callers = Callers(4, caller =>
        {
            for (int round = 0; round < 100; round++)
            {
                if (caller % 2 == 0)
                    Assert.Throws<InvalidDataException>(() => pool.For(2, pool, static (_, _, _, _) => throw new InvalidDataException()));
                else
                    pool.For(2, pool, static (_, _, _, _) => { });
            }
        });
        Finish(callers);
    }

    [Fact]
    public void A_turn_costs_no_allocation()
    {
        using var context = new ComputeContext(2);
        var sum = new long[2];
        Repeat(1);
        Assert.Equal(0, Allocations.OfThisThread(() => Repeat(1000)));

        void Repeat(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                using ComputeContext.Claim claim = context.Enter();
                context.Workers.For(2, sum, static (s, worker, start, end) => s[worker] += end - start);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_context_that_was_disposed_of_refuses_calls(int threads)
    {
        var context = new ComputeContext(threads);
        context.Dispose();
        context.Dispose();
        Assert.Throws<ObjectDisposedException>(() => context.Enter().Dispose());
        Assert.Throws<ObjectDisposedException>(() => context.Workers.For(5, context, static (_, _, _, _) => { }));
    }

    private static Task[] Callers(int count, Action<int> call) =>
        [.. Enumerable.Range(0, count).Select(caller => Task.Factory.StartNew(() => call(caller), TaskCreationOptions.LongRunning))];

    private static void Finish(Task[] callers) => Assert.True(Task.WaitAll(callers, s_patience), "A caller still waits.");
}
