namespace HybridCnn.Kernels;

/// <summary>The bias of an NHWC layer, whose outputs are the columns of a matrix: one number a column.</summary>
internal static class BiasRows
{
    // Rows shorter than this are added so many at a time: whole vectors, whatever their length.
    private const int ShortRow = 64, RowsAtATime = 16;

    /// <summary>Sets every row of y [rows, bias.Length] to the bias, and says whether there is one.</summary>
    public static bool Fill(ReadOnlySpan<float> bias, Span<float> y)
    {
        if (bias.IsEmpty)
            return false;
        for (int at = 0; at < y.Length; at += bias.Length)
            bias.CopyTo(y[at..]);
        return true;
    }

    /// <summary>Sets some columns of y's rows, that lie a stride apart, to their bias.</summary>
    public static void Fill(ReadOnlySpan<float> bias, Span<float> y, int rows, int stride)
    {
        for (int row = 0; row < rows; row++)
            bias.CopyTo(y[(row * stride)..]);
    }

    /// <summary>The same, with zeros where there is no bias.</summary>
    public static void FillOrClear(ReadOnlySpan<float> bias, Span<float> y)
    {
        if (!Fill(bias, y))
            y.Clear();
    }

    /// <summary>Adds the bias to every row of y [rows, bias.Length]. There must be one.</summary>
    public static void Add(ReadOnlySpan<float> bias, Span<float> y)
    {
        Span<float> several = stackalloc float[ShortRow * RowsAtATime];
        scoped ReadOnlySpan<float> added = bias;
        if (bias.Length < ShortRow)
        {
            several = several[..(bias.Length * RowsAtATime)];
            FillOrClear(bias, several);
            added = several;
        }

        int at = 0;
        for (; at <= y.Length - added.Length; at += added.Length)
            Sums.Add(added, y.Slice(at, added.Length));
        Sums.Add(added[..(y.Length - at)], y[at..]);
    }
}
