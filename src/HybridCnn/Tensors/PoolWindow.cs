namespace HybridCnn.Tensors;

/// <summary>
/// What one pooling window covers along one axis. Taps <see cref="First"/> up to, not including, <see cref="End"/> lie in the
/// input; tap t reads position <see cref="Start"/> + t * dilation.
/// </summary>
/// <param name="Start">Position of tap 0; negative where the window starts in the padding before the input.</param>
/// <param name="First">The first tap inside the input.</param>
/// <param name="End">One past the last tap inside the input.</param>
/// <param name="Padded">Number of taps inside the input and its declared padding; the overhang of ceil mode doesn't count.</param>
internal readonly record struct PoolWindow(int Start, int First, int End, int Padded)
{
    /// <summary>The window of one output position.</summary>
    public static PoolWindow At(int output, int extent, int kernel, int stride, int padBefore, int padAfter, int dilation)
    {
        int start = output * stride - padBefore;
        // Most windows lie inside, and divisions are dear.
        if (start >= 0 && start + dilation * (kernel - 1L) < extent)
            return new(start, 0, kernel, kernel);
        int first = start >= 0 ? 0 : (int)(((long)dilation - start - 1) / dilation);
        return new(start, first, TapsBefore(extent, start, dilation, kernel), TapsBefore((long)extent + padAfter, start, dilation, kernel));
    }

    /// <summary>Number of taps at positions below <paramref name="limit"/>.</summary>
    private static int TapsBefore(long limit, int start, int dilation, int kernel) =>
        (int)Math.Clamp((limit - start + dilation - 1) / dilation, 0, kernel);
}
