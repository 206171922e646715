using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>average += share·(weight - average): an exponential moving average, with the weight in the gradient's place.</summary>
internal readonly struct AverageRule(float share) : IUpdateRule
{
    public static int States => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T> => value + (gradient - value) * T.Broadcast(share);
}
