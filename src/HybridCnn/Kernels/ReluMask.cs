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
}
