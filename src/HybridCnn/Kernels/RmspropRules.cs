using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// RMSprop (Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012) in PyTorch's form: d = g + decay·p;
/// s = α·s + (1 - α)·d², in a; p -= rate·d / (√s + ε).
/// </summary>
/// <param name="rate">The learning rate.</param>
/// <param name="decay">Coupled decay.</param>
/// <param name="keep">α.</param>
/// <param name="add">1 - α.</param>
/// <param name="epsilon">ε.</param>
internal readonly struct RmspropRule(float rate, float decay, float keep, float add, float epsilon) : IUpdateRule
{
    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T> => value - Direction(gradient, value, ref a) * T.Broadcast(rate);

    /// <summary>d / (√s + ε).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Direction<T>(T gradient, T value, ref T square)
        where T : struct, IFloats<T>
    {
        T d = gradient + value * T.Broadcast(decay);
        square = square * T.Broadcast(keep) + d * d * T.Broadcast(add);
        return d / (T.Sqrt(square) + T.Broadcast(epsilon));
    }

    /// <summary>
    /// d / (√(s - m²) + ε) with the mean m += (1 - α)·(d - m) (Graves, Generating sequences with recurrent neural networks, 2013).
    /// Where rounding leaves less than nothing under the root, it is 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Centered<T>(T gradient, T value, ref T square, ref T mean)
        where T : struct, IFloats<T>
    {
        T d = gradient + value * T.Broadcast(decay);
        square = square * T.Broadcast(keep) + d * d * T.Broadcast(add);
        mean += (d - mean) * T.Broadcast(add);
        return d / (T.Sqrt(T.Max(square - mean * mean, T.Broadcast(0))) + T.Broadcast(epsilon));
    }
}

/// <summary>RMSprop with a velocity, in b: v = momentum·v + direction; p -= rate·v.</summary>
internal readonly struct RmspropMomentumRule(RmspropRule rmsprop, float rate, float momentum) : IUpdateRule
{
    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T>
    {
        b = b * T.Broadcast(momentum) + rmsprop.Direction(gradient, value, ref a);
        return value - b * T.Broadcast(rate);
    }
}

/// <summary>Centered RMSprop, with the mean of the gradients in b.</summary>
internal readonly struct CenteredRmspropRule(RmspropRule rmsprop, float rate) : IUpdateRule
{
    public static int States => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T> => value - rmsprop.Centered(gradient, value, ref a, ref b) * T.Broadcast(rate);
}

/// <summary>Centered RMSprop with a velocity, in c.</summary>
internal readonly struct CenteredRmspropMomentumRule(RmspropRule rmsprop, float rate, float momentum) : IUpdateRule
{
    public static int States => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Next<T>(T gradient, T value, ref T a, ref T b, ref T c)
        where T : struct, IFloats<T>
    {
        c = c * T.Broadcast(momentum) + rmsprop.Centered(gradient, value, ref a, ref b);
        return value - c * T.Broadcast(rate);
    }
}
