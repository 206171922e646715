using System.Collections.Concurrent;
using System.Diagnostics;
using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Benchmarks.Versus;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>The machine's yardsticks, measured once per process: what SGEMM and a plain copy reach here and now.</summary>
internal static class Peak
{
    private const int MeetingsTimed = 2000;

    // Small enough for a private cache, and large enough that only the inner kernel counts: the best of them is the peak.
    private static readonly int[] Sizes = [64, 96, 192, 384, 768];

    private static readonly ConcurrentDictionary<int, double> Fma = new();
    private static readonly ConcurrentDictionary<int, double> Sgemm = new();
    private static readonly ConcurrentDictionary<(long Bytes, int Threads), double> Copy = new();

    // The first lowering of a process runs until the runtime has compiled it at its best, and others until one block shows that.
    private static bool s_loweringIsCompiled;

    /// <summary>What the multiply-add units of so many threads do where nothing waits for memory, GFLOP/s.</summary>
    public static double FmaGflops(int threads) => Fma.GetOrAdd(threads, static count =>
    {
        using var workers = new WorkerPool(count);
        return count * MultiplyAdds.Flops / BestSeconds(() => MultiplyAdds.Run(workers)) * 1e-9;
    });

    /// <summary>Best rate of SGEMM over some sizes, one product per thread side by side, GFLOP/s of all threads together.</summary>
    public static double SgemmGflops(int threads) => Sgemm.GetOrAdd(threads, static count =>
    {
        using var workers = new WorkerPool(count);
        return Sizes.Max(size => BestRate(new Products(size, count), workers));
    });

    /// <summary>Best rate of copying, counting bytes read plus bytes written, for a copy that moves this many in all, each thread its part.</summary>
    public static double CopyGigabytes(double bytes, int threads) => Copy.GetOrAdd(((long)bytes, threads), static key =>
    {
        using var workers = new WorkerPool(key.Threads);
        var copies = new Copies((int)(key.Bytes / (2 * sizeof(float))));
        return copies.Bytes / BestSeconds(() => workers.For(copies.Floats, copies, static (c, _, start, end) => c.Run(start, end))) * 1e-9;
    });

    /// <summary>Best rate of lowering an image per thread, bytes read plus bytes written, and as a share of the rate of the same copy without im2col's work.</summary>
    public static (double Gigabytes, double OfCopy) LoweringRate(Conv2dDims dims, int threads, bool pieces)
    {
        using var workers = new WorkerPool(threads);
        var lowering = new Lowering(dims, workers, pieces);
        int blocks = s_loweringIsCompiled ? 1 : TurnPlan.UsualSteadyBlocks;
        Turns.RunUntilSteady(lowering.Nchw, blocks, CancellationToken.None);
        Turns.RunUntilSteady(lowering.CopyNchw, blocks, CancellationToken.None);
        s_loweringIsCompiled = true;
        double seconds = BestSeconds(lowering.Nchw);
        return (lowering.Bytes / seconds * 1e-9, BestSeconds(lowering.CopyNchw) / seconds);
    }

    /// <summary>Median time until so many threads have begun and ended nothing, in microseconds.</summary>
    public static double MeetingMicroseconds(int threads)
    {
        using var workers = new WorkerPool(threads);
        float[] nothing = new float[1];
        double[] times = new double[MeetingsTimed];
        // The first half is there for the runtime to compile it.
        for (int i = 0; i < 2 * times.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            workers.For(threads, nothing, static (_, _, _, _) => { });
            times[i % times.Length] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        Array.Sort(times);
        return times[times.Length / 2];
    }

    private static double BestRate(Products products, WorkerPool workers) =>
        products.Flops / BestSeconds(() => workers.For(workers.WorkerCount, products, static (p, worker, _, _) => p.Multiply(worker))) * 1e-9;

    private static double BestSeconds(Action action)
    {
        double best = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; run < 5 || Stopwatch.GetElapsedTime(start).TotalMilliseconds < 150; run++)
        {
            long before = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(before).TotalSeconds);
        }

        return best;
    }

    private sealed class Copies(int floats)
    {
        private readonly Tensor _from = new(new Shape(floats)), _to = new(new Shape(floats));

        public int Floats => floats;

        public double Bytes => 2.0 * sizeof(float) * floats;

        public void Run(int start, int end) => _from.Span[start..end].CopyTo(_to.Span[start..end]);
    }

    private sealed class Products(int size, int threads)
    {
        private readonly int _repeats = Math.Max(1, 100_000_000 / (size * size * size));
        private readonly Tensor[] _a = Matrices(size, threads), _b = Matrices(size, threads), _c = Matrices(size, threads);

        public double Flops => 2.0 * size * size * size * _repeats * threads;

        public void Multiply(int worker)
        {
            for (int i = 0; i < _repeats; i++)
            {
                Gemm.Run(Transpose.No, Transpose.No, size, size, size, 1, _a[worker].Span, size, _b[worker].Span, size, 0, _c[worker].Span, size);
            }
        }

        private static Tensor[] Matrices(int size, int count) =>
            [.. Enumerable.Range(1, count).Select(seed => ConvData.Filled(new SeededRandom((ulong)seed), new Shape(size, size)))];
    }
}
