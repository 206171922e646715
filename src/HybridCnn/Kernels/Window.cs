namespace HybridCnn.Kernels;

/// <summary>Which outputs of one direction meet the input, and not its padding, through one kernel element.</summary>
internal static class Window
{
    /// <summary>
    /// The outputs o in [<paramref name="start"/>, <paramref name="end"/>) with 0 ≤ o·stride + offset &lt; input, as
    /// [First, End) of which First ≤ End always holds.
    /// </summary>
    /// <param name="offset">Kernel element times dilation, minus the padding before the input.</param>
    /// <param name="stride">Input elements from one output to the next.</param>
    /// <param name="input">Extent of the input.</param>
    /// <param name="start">First output asked about.</param>
    /// <param name="end">One behind the last output asked about.</param>
    public static (int First, int End) Inside(long offset, int stride, int input, int start, int end)
    {
        // Division apart, because at stride 1 it would take longer than copying the row.
        long first = offset >= 0 ? 0 : stride == 1 ? -offset : (-offset + stride - 1) / stride;
        long last = offset >= input ? 0 : stride == 1 ? input - offset : (input - 1 - offset) / stride + 1;
        int clampedFirst = (int)Math.Clamp(first, start, end);
        return (clampedFirst, (int)Math.Clamp(last, clampedFirst, end));
    }
}
