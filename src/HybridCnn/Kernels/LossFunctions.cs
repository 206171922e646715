using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>(x - t)².</summary>
internal readonly struct SquaredLoss : ILossFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (T Loss, T Slope) At<T>(T x, T t)
        where T : struct, IFloats<T>
    {
        T d = x - t;
        return (d * d, d + d);
    }
}

/// <summary>|x - t|; the slope at 0 is 0.</summary>
internal readonly struct AbsoluteLoss : ILossFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (T Loss, T Slope) At<T>(T x, T t)
        where T : struct, IFloats<T>
    {
        T d = x - t, minus = t - x;
        // NaN - NaN: a NaN must reach the slope too.
        T sign = T.Select(d, T.Broadcast(1), T.Select(minus, T.Broadcast(-1), d));
        return (T.Max(d, minus), sign);
    }
}

/// <summary>d²/2 for |d| up to delta, beyond it delta·(|d| - delta/2), with d = x - t (Huber, Robust estimation of a location parameter, 1964).</summary>
internal readonly struct HuberFunction(float delta) : ILossFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (T Loss, T Slope) At<T>(T x, T t)
        where T : struct, IFloats<T>
    {
        // With c = d clamped to ±delta, both are c·(d - c/2): no branch.
        T d = x - t, c = T.Min(T.Max(d, T.Broadcast(-delta)), T.Broadcast(delta));
        return (c * (d - c * T.Broadcast(0.5f)), c);
    }
}

/// <summary>-t·log σ(x) - (1 - t)·log(1 - σ(x)) as max(x, 0) - x·t + log(1 + e^-|x|), which no finite x overflows; slope σ(x) - t.</summary>
internal readonly struct BinaryCrossEntropyFunction : ILossFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (T Loss, T Slope) At<T>(T x, T t)
        where T : struct, IFloats<T>
    {
        T zero = T.Broadcast(0), one = T.Broadcast(1), e = Exponential.ExpOfNegative(zero - T.Abs(x)), share = one / (one + e);
        T loss = T.Max(x, zero) - x * t + Exponential.LogOnePlus(e);
        return (loss, T.Select(x, one, e) * share - t);
    }
}
