namespace HybridCnn.Kernels;

/// <summary>The bias of an NHWC layer, whose outputs are the columns of a matrix: one number a column.</summary>
internal static class BiasRows
{
    /// <summary>Sets every row of y [rows, bias.Length] to the bias, and says whether there is one.</summary>
    public static bool Fill(ReadOnlySpan<float> bias, Span<float> y)
    {
        if (bias.IsEmpty)
            return false;
        for (int at = 0; at < y.Length; at += bias.Length)
            bias.CopyTo(y[at..]);
        return true;
    }

    /// <summary>The same, with zeros where there is no bias.</summary>
    public static void FillOrClear(ReadOnlySpan<float> bias, Span<float> y)
    {
        if (!Fill(bias, y))
            y.Clear();
    }
}
