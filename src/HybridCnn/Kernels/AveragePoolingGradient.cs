using System.Runtime.InteropServices;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Gradient of average pooling of one NCHW plane, of dense windows one column apart. A row of dx takes its shares from the output rows that
/// cover it, added up along the height first and then along the width: KH + KW additions an element, and each is written once.
/// </summary>
internal static class AveragePoolingGradient
{
    /// <summary>Whether the kernel is made for this geometry; wide windows in a narrow row are cheaper spread one by one.</summary>
    public static bool Takes(in Pool2dDims dims) =>
        dims.StrideW == 1 && dims.DilationH == 1 && dims.DilationW == 1 && dims.OW >= Math.Max(4, dims.KW);

    /// <summary>Floats of scratch memory: a row of shares with KW − 1 zeros before it and at least PadLeft + IW − OW behind, and the divisors.</summary>
    public static int Scratch(in Pool2dDims dims) => checked(RowLength(dims) + dims.OW + dims.OH);

    /// <summary>dx[p] = sum of dy / divisor over the windows that cover p. Overwrites dx.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="rowShares">What a row of windows contributes to the reciprocal of the divisor, [OH].</param>
    /// <param name="columnShares">What a column of windows contributes, [OW].</param>
    /// <param name="dy">[OH, OW].</param>
    /// <param name="row">So many floats as <see cref="RowLength"/> says; overwritten.</param>
    /// <param name="dx">[IH, IW].</param>
    public static void Run(
        in Pool2dDims dims, ReadOnlySpan<float> rowShares, ReadOnlySpan<float> columnShares, ReadOnlySpan<float> dy, Span<float> row, Span<float> dx)
    {
        int narrowest = Math.Min(dims.IW, dims.OW);
        if (narrowest >= Floats16.Count)
            Run<Floats16>(dims, rowShares, columnShares, dy, row, dx);
        else if (narrowest >= Floats8.Count)
            Run<Floats8>(dims, rowShares, columnShares, dy, row, dx);
        else if (narrowest >= Floats4.Count)
            Run<Floats4>(dims, rowShares, columnShares, dy, row, dx);
        else
            Run<Floats1>(dims, rowShares, columnShares, dy, row, dx);
    }

    /// <summary>Length of the row of shares.</summary>
    public static int RowLength(in Pool2dDims dims) => checked(dims.KW - 1 + Math.Max(dims.OW, dims.PadLeft + dims.IW));

    private static void Run<T>(
        in Pool2dDims dims, ReadOnlySpan<float> rowShares, ReadOnlySpan<float> columnShares, ReadOnlySpan<float> dy, Span<float> row, Span<float> dx)
        where T : struct, IFloats<T>
    {
        row.Clear();
        for (int ih = 0; ih < dims.IH; ih++)
        {
            int above = ih + dims.PadTop - dims.KH;
            int first = above < 0 ? 0 : above / dims.StrideH + 1, end = Math.Min(dims.OH, (ih + dims.PadTop) / dims.StrideH + 1);
            AddRows<T>(
                dy[(Math.Min(first, end) * dims.OW)..(end * dims.OW)], rowShares[Math.Min(first, end)..end], columnShares, row.Slice(dims.KW - 1, dims.OW));
            AddColumns<T>(row.Slice(dims.PadLeft, dims.IW + dims.KW - 1), dims.KW, dx.Slice(ih * dims.IW, dims.IW));
        }
    }

    // sums[ow] = columnShares[ow] · Σ dy[oh, ow] · rowShares[oh]. Here and below the last vector of a row overlaps the one before.
    private static void AddRows<T>(ReadOnlySpan<float> dy, ReadOnlySpan<float> rowShares, ReadOnlySpan<float> columnShares, Span<float> sums)
        where T : struct, IFloats<T>
    {
        int width = sums.Length;
        ref float from = ref MemoryMarshal.GetReference(dy[..(rowShares.Length * width)]);
        ref float scale = ref MemoryMarshal.GetReference(columnShares[..width]);
        ref float to = ref MemoryMarshal.GetReference(sums);
        for (int block = 0; block < width; block += T.Count)
        {
            int at = Math.Min(block, width - T.Count);
            T sum = T.Broadcast(0);
            for (int oh = 0; oh < rowShares.Length; oh++)
                T.AddProduct(T.Load(ref from, oh * width + at), T.Broadcast(rowShares[oh]), ref sum);
            (sum * T.Load(ref scale, at)).Store(ref to, at);
        }
    }

    // dx[iw] = Σ sums[iw + tap].
    private static void AddColumns<T>(ReadOnlySpan<float> sums, int taps, Span<float> dx)
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(sums[..(dx.Length + taps - 1)]);
        ref float to = ref MemoryMarshal.GetReference(dx);
        for (int block = 0; block < dx.Length; block += T.Count)
        {
            int at = Math.Min(block, dx.Length - T.Count);
            T sum = T.Load(ref from, at);
            for (int tap = 1; tap < taps; tap++)
                sum += T.Load(ref from, at + tap);
            sum.Store(ref to, at);
        }
    }
}
