using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// Which results of a batch normalization a ReLU behind it let pass: those where (x − mean)·scale + offset is above 0 and below the ceiling. Empty where there is no ReLU.
/// </summary>
internal readonly ref struct ReluMask(ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float ceiling)
{
    public bool IsEmpty => Scale.IsEmpty;

    /// <summary>Per channel.</summary>
    public ReadOnlySpan<float> Scale { get; } = scale;

    /// <summary>Per channel.</summary>
    public ReadOnlySpan<float> Offset { get; } = offset;

    /// <summary>Infinity for a ReLU without.</summary>
    public float Ceiling { get; } = ceiling;

    /// <summary>What a ReLU lets pass of a gradient, for the value before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Passed<T>(T value, T ceiling, T gradient)
        where T : struct, IFloats<T> => T.WherePositive(value, T.WherePositive(ceiling - value, gradient));

    /// <summary>Fails unless it is empty or there are so many channels.</summary>
    public void Check(int channels)
    {
        if (!IsEmpty)
            _ = (Scale[..channels].Length, Offset[..channels].Length);
    }
}
