using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>p = shrink·p - rate·(g + decay·p): gradient descent; coupled decay with shrink 1, decoupled decay with decay 0.</summary>
internal readonly struct SgdRule(float rate, float decay, float shrink) : IUpdateRule
{
    public static int States => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T> => value * T.Broadcast(shrink) - (gradient + value * T.Broadcast(decay)) * T.Broadcast(rate);
}

/// <summary>
/// Gradient descent with a velocity v, in a: d = g + decay·p; v = keep·v + add·d; p = shrink·p - rate·v, or with Nesterov's
/// (1983) look-ahead p = shrink·p - rate·(d + lookAhead·v), in the form of Sutskever et al. (On the importance of initialization
/// and momentum in deep learning, 2013). <paramref name="lookAhead"/> 0 means none.
/// </summary>
internal readonly struct MomentumRule(float rate, float decay, float shrink, float keep, float add, float lookAhead) : IUpdateRule
{
    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T>
    {
        T d = gradient + value * T.Broadcast(decay);
        a = a * T.Broadcast(keep) + d * T.Broadcast(add);
        T direction = lookAhead == 0 ? a : d + a * T.Broadcast(lookAhead);
        return value * T.Broadcast(shrink) - direction * T.Broadcast(rate);
    }
}
