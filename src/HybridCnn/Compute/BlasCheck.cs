using System.Diagnostics;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Compute;

/// <summary>The outcome of <see cref="BlasCheck.SelfTest"/>.</summary>
/// <param name="Threads">How many threads multiplied at once.</param>
/// <param name="Products">How many matrix products were compared.</param>
/// <param name="Mismatches">How many of them were wrong. Anything above 0 means that results cannot be trusted.</param>
/// <param name="FirstMismatch">One of the wrong ones in words, or null.</param>
public sealed record BlasSelfTest(int Threads, int Products, int Mismatches, string? FirstMismatch);

/// <summary>Whether the BLAS in use is right when several threads call it at once, and how fast it is.</summary>
public static class BlasCheck
{
    private const int LargestSide = 160;
    private const int RepeatsPerShape = 8;

    /// <summary>
    /// Every thread multiplies matrices of random shapes, plain and transposed, at the same time as the others, and compares each
    /// product with the portable SGEMM.
    /// </summary>
    /// <param name="threads">How many threads, from 1 to <see cref="ThreadCount.Maximum"/>.</param>
    /// <param name="shapesPerThread">How many shapes each tries; each is multiplied eight times over.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is below 1, or too many threads.</exception>
    public static BlasSelfTest SelfTest(int threads, int shapesPerThread = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, ThreadCount.Maximum);
        ArgumentOutOfRangeException.ThrowIfLessThan(shapesPerThread, 1);
        using var pool = new WorkerPool(threads);
        var run = new TestRun(shapesPerThread, new int[threads], new string?[threads]);
        pool.For(threads, run, static (r, worker, _, _) => r.Mismatches[worker] = CheckShapes(worker, r.Shapes, ref r.Firsts[worker]));
        return new(threads, checked(threads * shapesPerThread * RepeatsPerShape), run.Mismatches.Sum(), run.Firsts.FirstOrDefault(first => first is not null));
    }

    /// <summary>Billions of floating-point operations per second of a large product on each thread at once: the best of five rounds.</summary>
    /// <param name="threads">How many threads, from 1 to <see cref="ThreadCount.Maximum"/>.</param>
    /// <param name="size">Rows and columns of the matrices.</param>
    /// <param name="millisecondsPerRound">How long a round takes, at the least.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is below 1, or too many threads.</exception>
    public static double MeasureGflops(int threads, int size = 1024, int millisecondsPerRound = 50)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, ThreadCount.Maximum);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(millisecondsPerRound, 1);
        using var pool = new WorkerPool(threads);
        var run = new SpeedRun(threads, size);
        double warmUp = run.Time(pool, 1);
        int repeats = Math.Max(1, (int)Math.Ceiling(millisecondsPerRound * 1e-3 / warmUp));
        double best = double.PositiveInfinity;
        for (int round = 0; round < 5; round++)
            best = Math.Min(best, run.Time(pool, repeats));
        return 2.0 * size * size * size * threads * repeats / best * 1e-9;
    }

    private static int CheckShapes(int worker, int shapes, ref string? firstMismatch)
    {
        var random = new SeededRandom((ulong)worker + 1);
        float[] a = new float[LargestSide * LargestSide], b = new float[a.Length], expected = new float[a.Length], got = new float[a.Length];
        foreach (ref float x in a.AsSpan())
            x = random.NextFloat(-1, 1);
        foreach (ref float x in b.AsSpan())
            x = random.NextFloat(-1, 1);
        int mismatches = 0;
        for (int shape = 0; shape < shapes; shape++)
        {
            int m = 1 + random.NextInt(LargestSide), n = 1 + random.NextInt(LargestSide), k = 1 + random.NextInt(LargestSide);
            Transpose ta = (shape & 1) == 0 ? Transpose.No : Transpose.Yes, tb = (shape & 2) == 0 ? Transpose.No : Transpose.Yes;
            int lda = ta == Transpose.No ? k : m, ldb = tb == Transpose.No ? n : k;
            Gemm.RunPortable(ta, tb, m, n, k, 1, a, lda, b, ldb, 0, expected, n);
            for (int repeat = 0; repeat < RepeatsPerShape; repeat++)
            {
                got.AsSpan(0, m * n).Fill(float.NaN);
                Gemm.Run(ta, tb, m, n, k, 1, a, lda, b, ldb, 0, got, n);
                int wrong = FirstDifference(expected.AsSpan(0, m * n), got.AsSpan(0, m * n), k);
                if (wrong < 0)
                    continue;
                mismatches++;
                firstMismatch ??= $"thread {worker}, M={m} N={n} K={k} {(ta == Transpose.No ? 'N' : 'T')}{(tb == Transpose.No ? 'N' : 'T')}, element {wrong}: expected {expected[wrong]}, got {got[wrong]}";
            }
        }

        return mismatches;
    }

    // Two orders of summing k products of numbers below 1 differ by at most k roundings of a sum below k.
    private static int FirstDifference(ReadOnlySpan<float> expected, ReadOnlySpan<float> got, int k)
    {
        float bound = 2 * 6e-8f * k * (k + 4);
        for (int i = 0; i < got.Length; i++)
        {
            if (!(Math.Abs(expected[i] - got[i]) <= bound))
                return i;
        }

        return -1;
    }

    private sealed record TestRun(int Shapes, int[] Mismatches, string?[] Firsts);

    private sealed class SpeedRun
    {
        private readonly int _threads;
        private readonly int _size;
        private readonly float[][] _matrices;
        private int _repeats;

        public SpeedRun(int threads, int size)
        {
            (_threads, _size) = (threads, size);
            _matrices = [.. Enumerable.Range(0, 3 * threads).Select(_ => new float[checked(size * size)])];
            foreach (float[] matrix in _matrices)
                Array.Fill(matrix, 0.5f);
        }

        /// <summary>Seconds for this many products on every thread.</summary>
        public double Time(WorkerPool pool, int repeats)
        {
            _repeats = repeats;
            long start = Stopwatch.GetTimestamp();
            pool.For(_threads, this, static (run, worker, _, _) =>
            {
                for (int repeat = 0; repeat < run._repeats; repeat++)
                {
                    Gemm.Run(Transpose.No, Transpose.No, run._size, run._size, run._size, 1, run._matrices[3 * worker], run._size,
                        run._matrices[3 * worker + 1], run._size, 0, run._matrices[3 * worker + 2], run._size);
                }
            });
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
