using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Compute;

/// <summary>Loops of the calling program in the place of the pool's threads: good ones, odd ones, and those that break their word.</summary>
public class ParallelForTests
{
    private static readonly Dictionary<string, ParallelFor> s_loops = new()
    {
        ["parallel"] = (count, body) => Parallel.For(0, count, body),
        ["threads"] = OnThreads,
        ["backwards"] = (count, body) =>
        {
            for (int i = count; --i >= 0;)
                body(i);
        },
        ["too many, and twice"] = (count, body) =>
        {
            for (int i = -1; i <= 2 * count; i++)
                body(i / 2);
            body(int.MinValue);
        },
        ["elsewhere"] = (count, body) => OnThreads(1, _ =>
        {
            for (int i = 0; i < count; i++)
                body(i);
        }),
    };

    public static TheoryData<string> Loops => [.. s_loops.Keys];

    [Theory]
    [MemberData(nameof(Loops))]
    public void Every_item_is_done_once_with_numbers_flushed_and_the_threads_mode_comes_back(string loop)
    {
        ulong mode = NativeMethods.FloatingPointModeGet();
        int strange = 0;
        using var pool = new WorkerPool(3, 12, (count, body) => s_loops[loop](count, i =>
        {
            ulong before = NativeMethods.FloatingPointModeGet();
            body(i);
            if (NativeMethods.FloatingPointModeGet() != before)
                Interlocked.Increment(ref strange);
        }));
        var done = new int[100];
        pool.For(done.Length, done, static (done, worker, start, end) =>
        {
            for (int i = start; i < end; i++)
                done[i] += NativeMethods.FloatingPointModeFlush() == NativeMethods.FloatingPointModeGet() ? 1 : 100;
        });
        pool.ForChunks(done.Length, 3, done, static (done, worker, start, end) =>
        {
            for (int i = start; i < end; i++)
                Interlocked.Increment(ref done[i]);
        });
        Assert.All(done, times => Assert.Equal(2, times));
        Assert.Equal((0, mode), (strange, NativeMethods.FloatingPointModeGet()));
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void A_pass_has_the_bits_of_the_own_threads(string loop)
    {
        foreach (string problem in (string[])["mb1ic16ih9oc20oh9kh3ph1nhwc", "mb2ic5ih9oc6oh9kh3ph1", "g24mb2ic24ih9oc24oh9kh3ph1nhwc"])
        {
            var options = new ComputeOptions { Threads = 2 };
            var plan = new ConvolutionPlan(Conv2dDims.Parse(problem), options: options);
            Assert.True(MemoryMarshal.AsBytes<float>(Gradient(plan, options)).SequenceEqual(
                MemoryMarshal.AsBytes<float>(Gradient(plan, options with { ParallelFor = s_loops[loop] }))), $"{problem} gives other bits");
        }
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void An_exception_in_a_body_comes_back_and_not_through_the_loop(string loop)
    {
        bool through = false;
        using var pool = new WorkerPool(2, parallelFor: (count, body) =>
        {
            through = true;
            s_loops[loop](count, body);
            through = false;
        });
        for (int worker = 0; worker < 2; worker++)
        {
            var e = Assert.Throws<InvalidDataException>(() => pool.For(2, (object)worker, static (failing, worker, _, _) =>
            {
                if (worker == (int)failing)
                    throw new InvalidDataException($"worker {worker}");
            }));
            Assert.Equal(($"worker {worker}", false), (e.Message, through));
        }

        pool.For(2, pool, static (_, _, _, _) => { });
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public void A_call_from_within_a_body_is_refused(string loop)
    {
        using var pool = new WorkerPool(2, parallelFor: s_loops[loop]);
        for (int by = 0; by < 2; by++)
        {
            var e = Assert.Throws<InvalidOperationException>(() => pool.For(2, Tuple.Create(pool, by), static (calling, worker, _, _) =>
            {
                if (worker == calling.Item2)
                    calling.Item1.For(1, calling, static (_, _, _, _) => { });
            }));
            Assert.Contains("ComputeContext of its own", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_loop_that_leaves_calls_out_is_an_error_and_its_own_exception_comes_through()
    {
        int calls = 1;
        Exception? failure = null;
        using var pool = new WorkerPool(2, parallelFor: (count, body) =>
        {
            for (int i = 0; i < calls; i++)
                body(i);
            if (failure is not null)
                throw failure;
        });
        var e = Assert.Throws<InvalidOperationException>(() => pool.For(2, pool, static (_, _, _, _) => throw new InvalidDataException()));
        Assert.Contains("ParallelFor returned before all 2 calls", e.Message, StringComparison.Ordinal);
        failure = new TimeoutException();
        Assert.Throws<TimeoutException>(() => pool.For(2, pool, static (_, _, _, _) => throw new InvalidDataException()));
        (calls, failure) = (2, null);
        pool.For(2, pool, static (_, _, _, _) => { });
    }

    [Fact]
    public void One_thread_asks_nobody_and_a_call_allocates_nothing()
    {
        int asked = 0;
        void Loop(int count, Action<int> body)
        {
            asked++;
            for (int i = 0; i < count; i++)
                body(i);
        }

        using (var alone = new ComputeContext(new ComputeOptions { Threads = 1, Deterministic = true, ParallelFor = Loop }))
            alone.Workers.For(20, alone, static (_, _, _, _) => { });
        Assert.Equal(0, asked);
        using var context = new ComputeContext(new ComputeOptions { Threads = 2, ParallelFor = Loop });
        var sum = new int[1];
        Round();
        Assert.Equal(0, Allocations.OfThisThread(() => Repeat(100)));
        Assert.True(asked > 100);
        Assert.Equal(20 * asked, sum[0]);

        void Repeat(int rounds)
        {
            for (int i = 0; i < rounds; i++)
                Round();
        }

        void Round() => context.Workers.For(20, sum, static (s, _, start, end) => s[0] += end - start);
    }

    private static float[] Gradient(ConvolutionPlan plan, ComputeOptions options)
    {
        using var context = new ComputeContext(options);
        var random = new SeededRandom(1);
        float[] x = random.Floats(plan.Dims.XCount), dy = random.Floats(plan.Dims.YCount), weights = random.Floats(plan.Dims.WeightsCount), y = new float[plan.Dims.YCount];
        Array.Fill(y, float.NaN);
        plan.Forward(x, weights, [], y, context);
        plan.BackwardWeights(x, dy, weights, [], context);
        return [.. y, .. weights];
    }

    private static void OnThreads(int count, Action<int> body)
    {
        Thread[] threads = [.. Enumerable.Range(0, count).Select(i => new Thread(() => body(i)))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
    }
}
