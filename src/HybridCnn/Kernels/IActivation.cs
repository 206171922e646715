namespace HybridCnn.Kernels;

/// <summary>A function of one number with its derivative, over any register width. What sets it apart lies in fields, so a value is needed.</summary>
internal interface IActivation
{
    /// <summary>Whether the derivative is computed from y. Then x is not needed any more, and y may take its place.</summary>
    static abstract bool FromOutput { get; }

    /// <summary>y of x.</summary>
    T Value<T>(T x)
        where T : struct, IFloats<T>;

    /// <summary>dx = dy times the derivative at x, given y where <see cref="FromOutput"/>, else x.</summary>
    T Gradient<T>(T at, T dy)
        where T : struct, IFloats<T>;
}
