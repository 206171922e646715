using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The gradient of <see cref="AveragePoolingNhwc"/> for windows one column apart: whole output rows are added up first, then every
/// pixel of dx takes its windows' shares and is written once.
/// </summary>
internal static class AveragePoolingNhwcGradient
{
    /// <summary>One row of dx [IW, C] from image dy [OH, OW, C]. Overwrites dx and scratch.</summary>
    public static void Row(
        in Pool2dDims dims, bool countIncludePad, int divisorOverride, ReadOnlySpan<float> dy, int ih, Span<float> scratch, Span<float> dx)
    {
        int channels = dims.C, line = dims.OW * channels, rows = 0;
        Span<float> sums = scratch[..line], shares = scratch.Slice(line, dims.OW);
        for (int kh = dims.KH - 1; kh >= 0; kh--)
        {
            int oh = dims.OutputRow(ih, kh);
            if (oh < 0)
                continue;
            PoolWindow row = dims.Rows(oh);
            float share = divisorOverride != 0 ? 1 : 1f / (countIncludePad ? row.Padded : row.End - row.First);
            if (rows++ == 0)
                AveragePoolingNhwc.Spread(dy.Slice(oh * line, line), share, sums, 1);
            else
                AveragePoolingNhwc.AddProduct(dy.Slice(oh * line, line), share, sums, 1, 0);
        }

        if (rows == 0)
        {
            dx.Clear();
            return;
        }

        for (int ow = 0; ow < dims.OW; ow++)
        {
            PoolWindow columns = dims.Columns(ow);
            shares[ow] = 1f / (divisorOverride != 0 ? divisorOverride : countIncludePad ? columns.Padded : columns.End - columns.First);
        }

        for (int iw = 0; iw < dims.IW; iw++)
            SumShares(dims, sums, shares, iw + dims.PadLeft, dx.Slice(iw * channels, channels));
    }

    // y = Σ sums[ow]·shares[ow] over the windows ow = column − kw·dilation that there are.
    private static void SumShares(in Pool2dDims dims, ReadOnlySpan<float> sums, ReadOnlySpan<float> shares, int column, Span<float> y)
    {
        int step = dims.DilationW, taps = Math.Min(dims.KW - 1, column / step), first = Math.Max(0, (column - dims.OW + step) / step), channel = 0;
        if (taps < first)
        {
            y.Clear();
            return;
        }

        ref float from = ref MemoryMarshal.GetReference(sums[..(dims.OW * y.Length)]);
        for (; channel + Vector512<float>.Count <= y.Length; channel += Vector512<float>.Count)
        {
            Vector512<float> sum = default;
            for (int kw = taps; kw >= first; kw--)
            {
                int ow = column - kw * step;
                sum = Vector512.MultiplyAddEstimate(Vector512.LoadUnsafe(ref from, (nuint)(ow * y.Length + channel)), Vector512.Create(shares[ow]), sum);
            }

            sum.CopyTo(y[channel..]);
        }

        for (; channel < y.Length; channel++)
        {
            float sum = 0;
            for (int kw = taps; kw >= first; kw--)
            {
                int ow = column - kw * step;
                sum += sums[ow * y.Length + channel] * shares[ow];
            }

            y[channel] = sum;
        }
    }
}
