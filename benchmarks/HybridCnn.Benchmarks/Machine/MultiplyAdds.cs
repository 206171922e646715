using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HybridCnn.Compute;
using HybridCnn.Kernels;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>Multiplications with additions in registers alone, at the widest vectors that the machine has: nothing computes faster.</summary>
internal static class MultiplyAdds
{
    private const int Turns = 1_000_000;

    // Enough that no unit waits for an earlier result, and with their factors still within 16 registers.
    private const int Chains = 12;

    /// <summary>Operations of one <see cref="Run()"/>; a multiplication and an addition are two.</summary>
    public static double Flops => 2.0 * Turns * Chains * (Vector512.IsHardwareAccelerated ? Floats16.Count : Vector256.IsHardwareAccelerated ? Floats8.Count : Floats4.Count);

    /// <summary>On the calling thread. The result is only there so that nothing can be left out.</summary>
    public static float Run() =>
        Vector512.IsHardwareAccelerated ? Run<Floats16>() : Vector256.IsHardwareAccelerated ? Run<Floats8>() : Run<Floats4>();

    /// <summary>On all threads of a pool.</summary>
    public static void Run(WorkerPool workers) => workers.For(workers.WorkerCount, workers, static (_, _, _, _) => Run());

    // Every chain tends to 1, so that no number becomes too small or too large.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run<T>()
        where T : struct, IFloats<T>
    {
        T half = T.Broadcast(0.5f);
        T a = half, b = half, c = half, d = half, e = half, f = half, g = half, h = half, i = half, j = half, k = half, l = half;
        for (int turn = 0; turn < Turns; turn++)
        {
            a = T.MultiplyAdd(a, half, half);
            b = T.MultiplyAdd(b, half, half);
            c = T.MultiplyAdd(c, half, half);
            d = T.MultiplyAdd(d, half, half);
            e = T.MultiplyAdd(e, half, half);
            f = T.MultiplyAdd(f, half, half);
            g = T.MultiplyAdd(g, half, half);
            h = T.MultiplyAdd(h, half, half);
            i = T.MultiplyAdd(i, half, half);
            j = T.MultiplyAdd(j, half, half);
            k = T.MultiplyAdd(k, half, half);
            l = T.MultiplyAdd(l, half, half);
        }

        return (a + b + c + d + e + f + g + h + i + j + k + l).Sum();
    }
}
