namespace HybridCnn.Kernels;

// The functions of the activation layers, as PyTorch defines them. NaN passes through, forward and backward.

/// <summary>x itself, where a sweep does something else besides.</summary>
internal readonly struct IdentityFunction : IActivation
{
    public static bool FromOutput => true;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => x;

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T> => dy;
}

/// <summary>max(x, 0).</summary>
internal readonly struct ReluFunction : IActivation
{
    public static bool FromOutput => true;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => T.Rectify(x);

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T> => T.WherePositive(at, dy);
}

/// <summary>min(max(x, 0), ceiling).</summary>
internal readonly struct CappedReluFunction(float ceiling) : IActivation
{
    public static bool FromOutput => true;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => T.AtMost(T.Broadcast(ceiling), T.Rectify(x));

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T> => T.WherePositive(at, T.WherePositive(T.Broadcast(ceiling) - at, dy));
}

/// <summary>x where it is above 0, else slope·x; a slope of at least 0, so that y has x's sign.</summary>
internal readonly struct LeakyReluFunction(float slope) : IActivation
{
    public static bool FromOutput => true;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => T.Select(x, x, x * T.Broadcast(slope));

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T> => T.Select(at, dy, dy * T.Broadcast(slope));
}

/// <summary>σ(x) = 1 / (1 + e^−x).</summary>
internal readonly struct SigmoidFunction : IActivation
{
    public static bool FromOutput => true;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => Exponential.Sigmoid(x).Value;

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T> => dy * (at * (T.Broadcast(1) - at));
}

/// <summary>tanh x.</summary>
internal readonly struct TanhFunction : IActivation
{
    public static bool FromOutput => true;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => Exponential.Tanh(x);

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T> => dy * (T.Broadcast(1) - at * at);
}

/// <summary>x·σ(x).</summary>
internal readonly struct SiluFunction : IActivation
{
    public static bool FromOutput => false;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => x * Exponential.Sigmoid(x).Value;

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T>
    {
        (T sigmoid, T rest) = Exponential.Sigmoid(at);
        return dy * (sigmoid * T.MultiplyAdd(at, rest, T.Broadcast(1)));
    }
}

/// <summary>x·Φ(x), with the normal distribution itself, not its approximation by tanh.</summary>
internal readonly struct GeluFunction : IActivation
{
    private const float OneOverSqrt2Pi = 0.39894228f;

    public static bool FromOutput => false;

    public T Value<T>(T x)
        where T : struct, IFloats<T> => x * Exponential.Normal(x).Below;

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T>
    {
        (T below, T bell) = Exponential.Normal(at);
        return dy * T.MultiplyAdd(at * bell, T.Broadcast(OneOverSqrt2Pi), below);
    }
}

/// <summary>x·min(max(x + 3, 0), 6) / 6.</summary>
internal readonly struct HardswishFunction : IActivation
{
    public static bool FromOutput => false;

    public T Value<T>(T x)
        where T : struct, IFloats<T> =>
        x * T.Min(T.Rectify(x + T.Broadcast(3)), T.Broadcast(6)) * T.Broadcast(1 / 6f);

    public T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T>
    {
        T three = T.Broadcast(3), inside = T.MultiplyAdd(at, T.Broadcast(1 / 3f), T.Broadcast(0.5f));
        return T.WherePositive(at + three, dy * T.Select(three - at, inside, T.Broadcast(1)));
    }
}
