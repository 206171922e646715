using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The adjoint of <see cref="Im2Col"/>: adds every element of a lowered matrix to the input element that it was copied
/// from. NCHW; what belongs to padding is dropped.
/// </summary>
internal static class Col2Im
{
    private const int Lanes = 16;

    // Masks for this many kernel columns lie on the stack; wider kernels take the general way.
    private const int MaximumMasks = 32;

    /// <summary>Adds the lowered output rows [<paramref name="oh0"/>, <paramref name="oh1"/>) to some channels of one image.</summary>
    /// <param name="d">Geometry; its batch, channels and groups are not looked at.</param>
    /// <param name="col">col [channels·KH·KW, (oh1 − oh0)·OW].</param>
    /// <param name="channels">How many planes to add to.</param>
    /// <param name="oh0">First output row.</param>
    /// <param name="oh1">One behind the last output row.</param>
    /// <param name="dx">dx [channels, IH, IW], added to.</param>
    public static void Run(in Conv2dDims d, ReadOnlySpan<float> col, int channels, int oh0, int oh1, Span<float> dx)
    {
        int pixels = (oh1 - oh0) * d.OW;
        col = col[..checked(channels * d.KH * d.KW * pixels)];
        dx = dx[..checked(channels * d.IH * d.IW)];
        if (d.StrideW == 1 && d.KW <= MaximumMasks)
            Gather(d, col, channels, oh0, oh1, dx);
        else
            Scatter(d, col, channels, oh0, oh1, dx);
    }

    private static void Scatter(in Conv2dDims d, ReadOnlySpan<float> col, int channels, int oh0, int oh1, Span<float> dx)
    {
        int plane = d.IH * d.IW, pixels = (oh1 - oh0) * d.OW;
        int at = 0;
        for (int c = 0; c < channels; c++)
        {
            Span<float> image = dx.Slice(c * plane, plane);
            for (int kh = 0; kh < d.KH; kh++)
            {
                long offsetH = (long)kh * d.DilationH - d.PadTop;
                var (firstRow, endRow) = Window.Inside(offsetH, d.StrideH, d.IH, oh0, oh1);
                for (int kw = 0; kw < d.KW; kw++, at += pixels)
                {
                    long offsetW = (long)kw * d.DilationW - d.PadLeft;
                    var (first, end) = Window.Inside(offsetW, d.StrideW, d.IW, 0, d.OW);
                    if (first == end)
                        continue;
                    for (int oh = firstRow; oh < endRow; oh++)
                    {
                        ReadOnlySpan<float> from = col.Slice(at + (oh - oh0) * d.OW + first, end - first);
                        Span<float> to = image[((int)(oh * (long)d.StrideH + offsetH) * d.IW + (int)(first * (long)d.StrideW + offsetW))..];
                        for (int i = 0; i < from.Length; i++)
                            to[i * d.StrideW] += from[i];
                    }
                }
            }
        }
    }

    // At stride 1, sixteen neighbours of dx take their sixteen terms of one kernel element from sixteen neighbours of col. So
    // dx is summed in a register over the whole kernel and stored once. Adding row by row to memory instead would load
    // every sum again, one element further, before the store of the last one has left the processor's store queue.
    private static void Gather(in Conv2dDims d, ReadOnlySpan<float> col, int channels, int oh0, int oh1, Span<float> dx)
    {
        Span<int> masks = stackalloc int[MaximumMasks * Lanes];
        for (int iw = 0; iw < d.IW; iw += Lanes)
        {
            for (int kw = 0; kw < d.KW; kw++)
            {
                // Lane i is dx column iw + i, which meets output column ow = iw + i + PadLeft − kw·DilationW.
                long ow = (long)iw + d.PadLeft - (long)kw * d.DilationW;
                for (int i = 0; i < Lanes; i++)
                    masks[kw * Lanes + i] = ow + i >= 0 && ow + i < d.OW && iw + i < d.IW ? -1 : 0;
            }

            for (int c = 0; c < channels; c++)
            {
                for (int ih = 0; ih < d.IH; ih++)
                    GatherRow(d, col, c, ih, iw, oh0, oh1, masks, dx);
            }
        }
    }

    private static void GatherRow(in Conv2dDims d, ReadOnlySpan<float> col, int c, int ih, int iw, int oh0, int oh1, ReadOnlySpan<int> masks, Span<float> dx)
    {
        int pixels = (oh1 - oh0) * d.OW;
        ref float lowered = ref MemoryMarshal.GetReference(col);
        ref int mask = ref MemoryMarshal.GetReference(masks);
        var sum = Vector512<float>.Zero;
        for (int kh = 0; kh < d.KH; kh++)
        {
            long row = (long)ih + d.PadTop - (long)kh * d.DilationH;
            if (row < 0 || row % d.StrideH != 0)
                continue;
            long oh = d.StrideH == 1 ? row : row / d.StrideH;
            if (oh < oh0 || oh >= oh1)
                continue;
            long at = (long)(c * d.KH + kh) * d.KW * pixels + (oh - oh0) * d.OW + iw + d.PadLeft;
            for (int kw = 0; kw < d.KW; kw++, at += pixels - d.DilationW)
            {
                // Lanes outside the row read its neighbours in col, and the mask drops them; only at the two ends of col
                // there is nothing to read.
                if (at >= 0 && at <= col.Length - Lanes)
                    sum += Vector512.LoadUnsafe(ref lowered, (nuint)at) & Vector512.LoadUnsafe(ref mask, (nuint)(kw * Lanes)).AsSingle();
                else
                    sum += LoadMasked(col, at, masks.Slice(kw * Lanes, Lanes));
            }
        }

        // The lanes behind the end of the row add nothing to the next row, which this call owns too.
        int target = (c * d.IH + ih) * d.IW + iw;
        if (target <= dx.Length - Lanes)
        {
            ref float first = ref MemoryMarshal.GetReference(dx);
            (Vector512.LoadUnsafe(ref first, (nuint)target) + sum).StoreUnsafe(ref first, (nuint)target);
        }
        else
        {
            for (int i = 0; i < Math.Min(Lanes, dx.Length - target); i++)
                dx[target + i] += sum[i];
        }
    }

    private static Vector512<float> LoadMasked(ReadOnlySpan<float> col, long at, ReadOnlySpan<int> mask)
    {
        Span<float> lanes = stackalloc float[Lanes];
        lanes.Clear();
        for (int i = 0; i < Lanes; i++)
        {
            if (mask[i] != 0)
                lanes[i] = col[(int)(at + i)];
        }

        return Vector512.Create<float>(lanes);
    }
}
