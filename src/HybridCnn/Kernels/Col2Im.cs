using System.Runtime.CompilerServices;
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
        if (d.StrideH == 1 && d.StrideW == 1 && d.KW <= MaximumMasks)
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
                        for (int i = d.StrideW == 2 ? AddToEverySecond(from, to) : 0; i < from.Length; i++)
                            to[i * d.StrideW] += from[i];
                    }
                }
            }
        }
    }

    // Eight at a time with zeros between them, as long as the pair behind the last one is still within the row. Returns how many.
    private static int AddToEverySecond(ReadOnlySpan<float> source, Span<float> target)
    {
        int done = Math.Max(0, (source.Length - 1) / Vector256<float>.Count * Vector256<float>.Count);
        ref float from = ref MemoryMarshal.GetReference(source);
        ref float to = ref MemoryMarshal.GetReference(target[..(2 * done)]);
        for (nuint i = 0; i < (nuint)done; i += (nuint)Vector256<float>.Count)
        {
            (Vector256<ulong> low, Vector256<ulong> high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, i).AsUInt32());
            (Vector256.LoadUnsafe(ref to, 2 * i) + low.AsSingle()).StoreUnsafe(ref to, 2 * i);
            (Vector256.LoadUnsafe(ref to, 2 * i + 8) + high.AsSingle()).StoreUnsafe(ref to, 2 * i + 8);
        }

        return done;
    }

    // At stride 1, sixteen neighbors of dx take their sixteen terms of one kernel element from sixteen neighbors of col. So
    // dx is summed in a register over the whole kernel and stored once. Adding row by row to memory instead would load
    // every sum again, one element further, before the store of the last one has left the processor's store queue.
    private static void Gather(in Conv2dDims d, ReadOnlySpan<float> col, int channels, int oh0, int oh1, Span<float> dx)
    {
        // The rows of dx that the kernel meets from these rows.
        int firstRow = (int)Math.Clamp((long)oh0 - d.PadTop, 0, d.IH), endRow = (int)Math.Clamp(oh1 - d.PadTop + (d.KH - 1L) * d.DilationH, firstRow, d.IH);
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

            for (int ih = firstRow; ih < endRow; ih++)
                GatherRow(d, col, channels, ih, iw, oh0, oh1, masks, dx);
        }
    }

    // The same sixteen columns of the same row, in every channel.
    private static void GatherRow(in Conv2dDims d, ReadOnlySpan<float> col, int channels, int ih, int iw, int oh0, int oh1, ReadOnlySpan<int> masks, Span<float> dx)
    {
        // Kernel row kh meets output row oh = ih + PadTop − kh·DilationH; first and end are those that meet one of this block.
        long row = (long)ih + d.PadTop;
        int first = (int)Math.Clamp(oh1 - 1 >= row ? 0 : (row - oh1 + d.DilationH) / d.DilationH, 0, d.KH);
        int end = (int)Math.Clamp(oh0 > row ? 0 : (row - oh0) / d.DilationH + 1, first, d.KH);
        if (first == end)
            return;

        int pixels = (oh1 - oh0) * d.OW;
        long acrossH = (long)d.KW * pixels - (long)d.DilationH * d.OW, acrossW = (long)pixels - d.DilationW;
        long start = (row - oh0) * d.OW + iw + d.PadLeft + first * acrossH;
        long spreadH = (end - first - 1) * acrossH, spreadW = (d.KW - 1) * acrossW;
        long lowest = start + Math.Min(0, spreadH) + Math.Min(0, spreadW), highest = start + Math.Max(0, spreadH) + Math.Max(0, spreadW);
        ref float lowered = ref MemoryMarshal.GetReference(col);
        ref float image = ref MemoryMarshal.GetReference(dx);
        ref int mask = ref MemoryMarshal.GetReference(masks);
        int kernelColumns = d.KW;
        for (int c = 0; c < channels; c++)
        {
            // Lanes outside a row read and rewrite its neighbors, and the mask adds nothing to those; only at the ends of col and
            // dx there is no neighbor.
            long shift = (long)c * d.KH * d.KW * pixels;
            long target = ((long)c * d.IH + ih) * d.IW + iw;
            if (lowest + shift < 0 || highest + shift > col.Length - Lanes || target > dx.Length - Lanes)
            {
                AddAtTheEdge(col, start + shift, acrossH, acrossW, end - first, masks[..(kernelColumns * Lanes)], dx[(int)target..]);
                continue;
            }

            nint from = (nint)(start + shift);
            var sum = Vector512.LoadUnsafe(ref image, (nuint)target);
            for (int kh = first; kh < end; kh++, from += (nint)acrossH)
            {
                nint at = from;
                for (int kw = 0; kw < kernelColumns; kw++, at += (nint)acrossW)
                    sum += Vector512.LoadUnsafe(ref lowered, (nuint)at) & Vector512.LoadUnsafe(ref mask, (nuint)(kw * Lanes)).AsSingle();
            }

            sum.StoreUnsafe(ref image, (nuint)target);
        }
    }

    // Kept apart: a call within the loop above would take its sum out of the register.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddAtTheEdge(ReadOnlySpan<float> col, long start, long acrossH, long acrossW, int kernelRows, ReadOnlySpan<int> masks, Span<float> dx)
    {
        for (int kh = 0; kh < kernelRows; kh++)
        {
            for (int tap = 0; tap < masks.Length; tap++)
            {
                if (masks[tap] != 0)
                    dx[tap % Lanes] += col[(int)(start + kh * acrossH + tap / Lanes * acrossW + tap % Lanes)];
            }
        }
    }
}
