using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// Adam (Kingma and Ba, 2015): d = g + decay·p; m += (1 - β1)·(d - m), in a; v = β2·v + (1 - β2)·d², in b;
/// p = shrink·p - rate·m / (root·√v + ε), where the corrections of both means are in rate and root.
/// </summary>
/// <param name="rate">The learning rate over 1 - β1^t.</param>
/// <param name="root">1 over √(1 - β2^t).</param>
/// <param name="epsilon">ε.</param>
/// <param name="addMean">1 - β1.</param>
/// <param name="keepSquare">β2.</param>
/// <param name="addSquare">1 - β2.</param>
/// <param name="decay">Coupled decay.</param>
/// <param name="shrink">1, less what decoupled decay takes away (Loshchilov and Hutter, 2019).</param>
internal readonly struct AdamRule(
    float rate, float root, float epsilon, float addMean, float keepSquare, float addSquare, float decay, float shrink) : IUpdateRule
{
    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T>
    {
        Average(gradient, value, ref a, ref b);
        return Move(value, a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Average<T>(T gradient, T value, ref T mean, ref T square)
        where T : struct, IFloats<T>
    {
        T d = gradient + value * T.Broadcast(decay);
        mean += (d - mean) * T.Broadcast(addMean);
        square = square * T.Broadcast(keepSquare) + d * d * T.Broadcast(addSquare);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Move<T>(T value, T mean, T square)
        where T : struct, IFloats<T> =>
        value * T.Broadcast(shrink) - mean / (T.Sqrt(square) * T.Broadcast(root) + T.Broadcast(epsilon)) * T.Broadcast(rate);
}

/// <summary>Adam that divides by the largest √v so far, in c (Reddi, Kale and Kumar, On the convergence of Adam and beyond, 2018).</summary>
internal readonly struct AmsgradRule(AdamRule adam) : IUpdateRule
{
    public static int States => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T>
    {
        adam.Average(gradient, value, ref a, ref b);
        c = T.Max(c, b);
        return adam.Move(value, a, c);
    }
}
