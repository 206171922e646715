using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The adjoint of reading patches of few channels: a pixel of dx is the sum of what all patches that hold it have for it.
/// <code>
///   dx[ih, iw, c] = Σ over kernel rows kh and columns kw of dcol[oh, ow, kh, kw, c], where oh·StrideH + kh·DilationH = ih + PadTop,
///                                                                                           ow·StrideW + kw = iw + PadLeft
/// </code>
/// Summed in a register and stored once. Adding patch by patch to memory would load every sum again, a few floats further, before the
/// store of the last one has left the processor's store queue: on three channels that took longer than the products.
/// </summary>
internal static unsafe class PatchRowSums
{
    private const int Lanes = 4;

    // Pixels whose sums are taken together: one after the other, the loops would cost more than the additions.
    private const int Together = 4;

    /// <summary>Floats behind the last of dcol that are read, and left unused.</summary>
    public const int Behind = Lanes;

    /// <summary>Computes a row of dx. Overwrites.</summary>
    /// <param name="dims">Geometry, of kernel columns that lie side by side.</param>
    /// <param name="dcol">Rows of dcol [OW, KH·KW·IC], and <see cref="Behind"/> floats more.</param>
    /// <param name="starts">For each kernel row that meets this row of dx, where in dcol its terms of the first patch lie.</param>
    /// <param name="dx">The row [IW, IC].</param>
    public static void Run(in Conv2dDims dims, ReadOnlySpan<float> dcol, ReadOnlySpan<int> starts, Span<float> dx)
    {
        int channels = dims.IC, depth = dims.KH * dims.KW * channels;
        dx = dx[..(dims.IW * channels)];
        foreach (int start in starts)
            _ = dcol.Slice(start, (dims.OW - 1) * depth + dims.KW * channels + Behind);
        fixed (float* pc = dcol, pd = dx)
        fixed (int* ps = starts)
        {
            // Fewer channels than lanes: the lanes behind them are another kernel column's, and are not stored. More: the last four overlap the ones before.
            for (int c = 0; c == 0 || c < channels; c += Lanes)
            {
                int shift = Math.Min(c, Math.Max(0, channels - Lanes));
                for (int phase = 0; phase < Math.Min(dims.StrideW, dims.IW); phase++)
                    Phase(dims, phase, pc + shift, ps, starts.Length, pd + shift, Math.Min(channels, Lanes));
            }
        }
    }

    // Every StrideW-th pixel: those meet the same kernel columns, each a stride apart, and so many patches as there are such columns. Patch by patch
    // backwards, a pixel's term lies a stride further in the kernel.
    private static void Phase(in Conv2dDims dims, int phase, float* dcol, int* starts, int rows, float* dx, int stored)
    {
        int stride = dims.StrideW, apart = stride * dims.IC, depth = dims.KH * dims.KW * dims.IC;
        (int patch, int kw) = Math.DivRem(phase + dims.PadLeft, stride);
        int taps = kw < dims.KW ? (dims.KW - 1 - kw) / stride + 1 : 0;
        nint step = apart - depth;
        dcol += kw * dims.IC;
        dx += phase * dims.IC;
        for (int left = (dims.IW - phase + stride - 1) / stride; left > 0;)
        {
            if (left >= Together && patch >= taps - 1 && patch <= dims.OW - Together)
            {
                Vector128<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
                float* nearest = dcol + (nint)patch * depth;
                for (int i = 0; i < rows; i++)
                {
                    float* term = nearest + starts[i];
                    for (int tap = 0; tap < taps; tap++, term += step)
                    {
                        sum0 += Vector128.Load(term);
                        sum1 += Vector128.Load(term + depth);
                        sum2 += Vector128.Load(term + 2 * depth);
                        sum3 += Vector128.Load(term + 3 * depth);
                    }
                }

                Store(sum0, dx, stored);
                Store(sum1, dx + apart, stored);
                Store(sum2, dx + 2 * apart, stored);
                Store(sum3, dx + 3 * apart, stored);
                left -= Together;
                patch += Together;
                dx += Together * apart;
                continue;
            }

            Vector128<float> sum = default;
            int from = Math.Max(0, patch - dims.OW + 1), to = Math.Min(taps, patch + 1);
            for (int i = 0; i < rows; i++)
            {
                for (int tap = from; tap < to; tap++)
                    sum += Vector128.Load(dcol + (nint)patch * depth + starts[i] + tap * step);
            }

            Store(sum, dx, stored);
            left--;
            patch++;
            dx += apart;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> sum, float* target, int lanes)
    {
        if (lanes == Lanes)
        {
            sum.Store(target);
            return;
        }

        target[0] = sum.ToScalar();
        if (lanes > 1)
            target[1] = sum.GetElement(1);
        if (lanes > 2)
            target[2] = sum.GetElement(2);
    }
}
