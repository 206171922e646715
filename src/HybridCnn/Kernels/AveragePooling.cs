using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Mean over windows of one NCHW plane. What a window's sum is divided by follows PyTorch: the override if given; else the
/// taps inside the input and its declared padding (<c>countIncludePad</c>), or those inside the input alone.
/// </summary>
internal static class AveragePooling
{
    /// <summary>Floats of scratch memory that both passes take: a row of the input with its padding, and two rows of the output.</summary>
    public static int Scratch(in Pool2dDims dims) => Math.Max(checked(Width(dims) + 2 * dims.OW), AveragePoolingGradient.Scratch(dims));

    /// <summary>y[oh, ow] = sum of the window / its divisor. Overwrites y.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="countIncludePad">Whether padding counts in the divisor.</param>
    /// <param name="divisorOverride">What to divide by instead; 0 = none.</param>
    /// <param name="x">[IH, IW].</param>
    /// <param name="scratch">So many floats as <see cref="Scratch"/> says; overwritten.</param>
    /// <param name="y">[OH, OW].</param>
    public static void Forward(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> x, Span<float> scratch, Span<float> y)
    {
        if (dims.IsTwoByTwoTiles && dims.OW >= Vector128<float>.Count)
        {
            ForwardTiles(dims, 1f / (divisorOverride == 0 ? 4 : divisorOverride), x, y);
            return;
        }

        if (dims.IsOneWindow)
        {
            y[0] = Sum(x[..(dims.IH * dims.IW)]) / WholeDivisor(dims, divisorOverride);
            return;
        }

        // First the sums of the rows of a window, for all columns at once; then, of these, those of its columns.
        Span<float> sums = scratch[..Width(dims)], divisors = scratch.Slice(sums.Length, dims.OW);
        sums.Clear();
        Span<float> inside = sums.Slice(dims.PadLeft, dims.IW);
        Divisors(dims, countIncludePad, divisorOverride, divisors);
        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            inside.Clear();
            RowAdd.Run(x[((rows.Start + rows.First * dims.DilationH) * dims.IW)..], dims.DilationH * dims.IW, inside, 0, rows.End - rows.First, dims.IW);
            SumColumns(dims, sums, divisors, Divisor(rows, countIncludePad, divisorOverride), y.Slice(oh * dims.OW, dims.OW));
        }
    }

    /// <summary>dx[p] = sum of dy / divisor over the windows that cover p. Overwrites dx.</summary>
    /// <param name="dims">The geometry; N and C are not looked at.</param>
    /// <param name="countIncludePad">As in <see cref="Forward"/>.</param>
    /// <param name="divisorOverride">As in <see cref="Forward"/>.</param>
    /// <param name="dy">[OH, OW].</param>
    /// <param name="scratch">As in <see cref="Forward"/>.</param>
    /// <param name="dx">[IH, IW].</param>
    public static void Backward(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> dy, Span<float> scratch, Span<float> dx)
    {
        if (dims.IsTwoByTwoTiles && dims.OW >= Vector128<float>.Count)
        {
            BackwardTiles(dims, 1f / (divisorOverride == 0 ? 4 : divisorOverride), dy, dx);
            return;
        }

        if (dims.IsOneWindow)
        {
            dx.Fill(dy[0] / WholeDivisor(dims, divisorOverride));
            return;
        }

        if (AveragePoolingGradient.Takes(dims))
        {
            BackwardColumnByColumn(dims, countIncludePad, divisorOverride, dy, scratch, dx);
            return;
        }

        Span<float> spread = scratch[..Width(dims)], divisors = scratch.Slice(spread.Length, dims.OW), shares = scratch.Slice(spread.Length + dims.OW, dims.OW);
        Divisors(dims, countIncludePad, divisorOverride, divisors);
        dx.Clear();
        for (int oh = 0; oh < dims.OH; oh++)
        {
            PoolWindow rows = dims.Rows(oh);
            float rowDivisor = Divisor(rows, countIncludePad, divisorOverride);
            for (int ow = 0; ow < dims.OW; ow++)
                shares[ow] = dy[oh * dims.OW + ow] / (rowDivisor * divisors[ow]);
            spread.Clear();
            SpreadColumns(dims, shares, spread);
            RowAdd.Run(
                spread.Slice(dims.PadLeft, dims.IW), 0, dx[((rows.Start + rows.First * dims.DilationH) * dims.IW)..], dims.DilationH * dims.IW,
                rows.End - rows.First, dims.IW);
        }
    }

    internal static double Divisor(PoolWindow rows, PoolWindow columns, bool countIncludePad, int divisorOverride) =>
        divisorOverride != 0 ? divisorOverride
        : countIncludePad ? (double)rows.Padded * columns.Padded
        : (double)(rows.End - rows.First) * (columns.End - columns.First);

    private static float WholeDivisor(in Pool2dDims dims, int divisorOverride) => divisorOverride != 0 ? divisorOverride : dims.IH * dims.IW;

    // The divisor of a window is the product of what its rows and its columns have; an override is put with the columns.
    private static float Divisor(PoolWindow rows, bool countIncludePad, int divisorOverride) =>
        divisorOverride != 0 ? 1 : countIncludePad ? rows.Padded : rows.End - rows.First;

    private static void Divisors(in Pool2dDims dims, bool countIncludePad, int divisorOverride, Span<float> divisors)
    {
        for (int ow = 0; ow < divisors.Length; ow++)
        {
            PoolWindow columns = dims.Columns(ow);
            divisors[ow] = divisorOverride != 0 ? divisorOverride : countIncludePad ? columns.Padded : columns.End - columns.First;
        }
    }

    private static void BackwardColumnByColumn(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> dy, Span<float> scratch, Span<float> dx)
    {
        Span<float> columnShares = scratch[..dims.OW], rowShares = scratch.Slice(dims.OW, dims.OH);
        Divisors(dims, countIncludePad, divisorOverride, columnShares);
        foreach (ref float share in columnShares)
            share = 1 / share;
        for (int oh = 0; oh < dims.OH; oh++)
            rowShares[oh] = 1 / Divisor(dims.Rows(oh), countIncludePad, divisorOverride);
        Span<float> row = scratch.Slice(dims.OW + dims.OH, AveragePoolingGradient.RowLength(dims));
        AveragePoolingGradient.Run(dims, rowShares, columnShares, dy, row, dx);
    }

    // The taps of all windows, and with stride 2 the one behind the last, which is read beside it.
    private static int Width(in Pool2dDims dims) =>
        checked(Math.Max((dims.OW - 1) * dims.StrideW + (dims.KW - 1) * dims.DilationW + 2, dims.PadLeft + dims.IW));

    private static void SumColumns(in Pool2dDims dims, ReadOnlySpan<float> sums, ReadOnlySpan<float> divisors, float rowDivisor, Span<float> y)
    {
        int stride = dims.StrideW, taps = dims.KW, step = dims.DilationW, ow = 0;
        // Windows are moved back so that the last eight end with the row.
        for (; stride <= 2 && y.Length >= 8 && ow < y.Length; ow += 8)
        {
            int first = Math.Min(ow, y.Length - 8);
            ref float from = ref MemoryMarshal.GetReference(sums.Slice(first * stride, 8 * stride + (taps - 1) * step));
            Vector256<float> sum = Vector256<float>.Zero;
            for (int at = 0; at <= (taps - 1) * step; at += step)
                sum += stride == 1 ? Vector256.LoadUnsafe(ref from, (nuint)at) : Lanes.Split256(ref from, (nuint)at).Even;
            (sum / (Vector256.Create<float>(divisors.Slice(first, 8)) * rowDivisor)).CopyTo(y[first..]);
        }

        for (; ow < y.Length; ow++)
        {
            ReadOnlySpan<float> window = sums.Slice(ow * stride, (taps - 1) * step + 1);
            float sum = 0;
            if (step == 1)
                sum = Sum(window);
            else
                for (int at = 0; at < window.Length; at += step)
                    sum += window[at];
            y[ow] = sum / (divisors[ow] * rowDivisor);
        }
    }

    // Eight sums that don't wait for one another.
    private static float Sum(ReadOnlySpan<float> values)
    {
        nuint n = (nuint)Vector512<float>.Count, at = 0, length = (nuint)values.Length;
        ref float from = ref MemoryMarshal.GetReference(values);
        Vector512<float> a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        for (; at + 8 * n <= length; at += 8 * n)
        {
            a += Vector512.LoadUnsafe(ref from, at);
            b += Vector512.LoadUnsafe(ref from, at + 16);
            c += Vector512.LoadUnsafe(ref from, at + 32);
            d += Vector512.LoadUnsafe(ref from, at + 48);
            e += Vector512.LoadUnsafe(ref from, at + 64);
            f += Vector512.LoadUnsafe(ref from, at + 80);
            g += Vector512.LoadUnsafe(ref from, at + 96);
            h += Vector512.LoadUnsafe(ref from, at + 112);
        }

        for (; at + n <= length; at += n)
            a += Vector512.LoadUnsafe(ref from, at);
        float sum = length >= n ? Vector512.Sum(a + b + (c + d) + (e + f + (g + h))) : 0;
        for (; at < length; at++)
            sum += values[(int)at];
        return sum;
    }

    private static void SpreadColumns(in Pool2dDims dims, ReadOnlySpan<float> shares, Span<float> spread)
    {
        if (dims.StrideW == 1)
        {
            for (int tap = 0; tap < dims.KW; tap++)
                RowAdd.Run(shares, 0, spread[(tap * dims.DilationW)..], 0, 1, shares.Length);
            return;
        }

        for (int ow = 0; ow < shares.Length; ow++)
        {
            Span<float> window = spread.Slice(ow * dims.StrideW, (dims.KW - 1) * dims.DilationW + 1);
            for (int at = 0; at < window.Length; at += dims.DilationW)
                window[at] += shares[ow];
        }
    }

    // The last block of a row is moved back to end with the row, as in MaxPooling2x2.
    private static void ForwardTiles(in Pool2dDims dims, float scale, ReadOnlySpan<float> x, Span<float> y)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int oh = 0; oh < dims.OH; oh++)
        {
            ref float top = ref MemoryMarshal.GetReference(x.Slice(2 * oh * iw, 2 * ow));
            ref float bottom = ref MemoryMarshal.GetReference(x.Slice((2 * oh + 1) * iw, 2 * ow));
            ref float mean = ref MemoryMarshal.GetReference(y.Slice(oh * ow, ow));
            for (int block = 0; block < ow; block += 4)
            {
                int i = Math.Min(block, ow - 4);
                (Vector128<float> a, Vector128<float> b) = Lanes.Split128(ref top, (nuint)(2 * i));
                (Vector128<float> c, Vector128<float> d) = Lanes.Split128(ref bottom, (nuint)(2 * i));
                (((a + b) + (c + d)) * scale).StoreUnsafe(ref mean, (nuint)i);
            }
        }
    }

    private static void BackwardTiles(in Pool2dDims dims, float scale, ReadOnlySpan<float> dy, Span<float> dx)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int oh = 0; oh < dims.OH; oh++)
        {
            int origin = 2 * oh * iw;
            ref float gradient = ref MemoryMarshal.GetReference(dy.Slice(oh * ow, ow));
            ref float top = ref MemoryMarshal.GetReference(dx.Slice(origin, 2 * ow));
            for (int block = 0; block < ow; block += 4)
            {
                int i = Math.Min(block, ow - 4);
                Vector128<float> share = Vector128.LoadUnsafe(ref gradient, (nuint)i) * scale;
                Lanes.Join(share, share, ref top, (nuint)(2 * i));
            }

            if (2 * ow < iw)
                dx[(origin + 2 * ow)..(origin + iw)].Clear();
            dx.Slice(origin, iw).CopyTo(dx.Slice(origin + iw, iw));
        }

        dx[(2 * dims.OH * iw)..].Clear();
    }
}
