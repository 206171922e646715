using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Products of overlapping patches and a matrix, without writing the patches down. Six pixels by two registers of columns are
/// summed in registers; a step reads two registers of the matrix, which all six pixels use, and one float of each patch. So a step has
/// twelve multiplications to eight loads, and Y is written once, with bias and function:
/// <code>
///                 N = columns, 2 registers at a time
///               ┌────┬────┐
///      K = terms│ W  │    │     Y [pixels, columns] = f(patches [pixels, terms] · W [terms, columns] (+ bias))
///   ┌─────────┐ ├────┼────┤
///   │ patches │ │ Y  │    │ M = pixels, 6 at a time
///   └─────────┘ └────┴────┘
/// </code>
/// Source of the register blocks: Georganas et al., Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures, 2018.
/// </summary>
internal static unsafe class PatchProducts
{
    private const int Together = 6;

    /// <summary>Y = f(patches · W + bias). Overwrites.</summary>
    /// <param name="function">f.</param>
    /// <param name="strip">The pixels and their patches.</param>
    /// <param name="x">From the first pixel's patch on.</param>
    /// <param name="columns">Columns of W and Y.</param>
    /// <param name="w">W [terms, columns].</param>
    /// <param name="bias">[columns], or empty.</param>
    /// <param name="y">Y [pixels, columns].</param>
    /// <param name="stride">Floats from one pixel of Y to the next.</param>
    public static void Run<TFunction>(
        TFunction function, in PatchStrip strip, ReadOnlySpan<float> x, int columns, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> y, int stride)
        where TFunction : struct, IActivation
    {
        x = x[..checked((int)strip.Length)];
        w = w[..checked(strip.Depth * columns)];
        y = y[..checked((strip.Count - 1) * stride + columns)];
        if (!bias.IsEmpty)
            bias = bias[..columns];
        fixed (float* px = x, pw = w, pb = bias, py = y)
        {
            if (Vector512.IsHardwareAccelerated && columns >= Floats16.Count)
                Run<TFunction, Floats16>(function, strip, px, columns, pw, pb, py, stride);
            else if (Vector256.IsHardwareAccelerated && columns >= Floats8.Count)
                Run<TFunction, Floats8>(function, strip, px, columns, pw, pb, py, stride);
            else if (columns >= Floats4.Count)
                Run<TFunction, Floats4>(function, strip, px, columns, pw, pb, py, stride);
            else
                Run<TFunction, Floats1>(function, strip, px, columns, pw, pb, py, stride);
        }
    }

    private static void Run<TFunction, TVector>(TFunction function, in PatchStrip strip, float* x, int columns, float* w, float* bias, float* y, nint stride)
        where TFunction : struct, IActivation
        where TVector : struct, IFloats<TVector>
    {
        nint* from = stackalloc nint[Together];
        nint* to = stackalloc nint[Together];
        var pairs = new ColumnPairs(columns, TVector.Count);
        for (int pair = 0; pair < pairs.Count; pair++)
        {
            (int first, int second) = pairs[pair];
            int pixel = 0, inRow = 0;
            nint patch = 0;
            for (int done = 0; done < strip.Count; done += Together)
            {
                // The last pixel stands for those that are missing in the last six.
                for (int i = 0; i < Together; i++)
                {
                    from[i] = patch;
                    to[i] = pixel * stride + first;
                    if (pixel == strip.Count - 1)
                        continue;
                    pixel++;
                    patch += strip.PixelStride;
                    if (++inRow == strip.Pixels)
                    {
                        inRow = 0;
                        patch += strip.RowStride - (nint)strip.Pixels * strip.PixelStride;
                    }
                }

                Six<TFunction, TVector>(function, strip, x, from, w + first, columns, second - first, bias == null ? null : bias + first, y, to);
            }
        }
    }

    // Registers: twelve sums, two of W, one float of x in all lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Six<TFunction, TVector>(
        TFunction function, in PatchStrip strip, float* x, nint* from, float* w, nint stride, nint second, float* bias, float* y, nint* to)
        where TFunction : struct, IActivation
        where TVector : struct, IFloats<TVector>
    {
        nint fromA = from[0], fromB = from[1], fromC = from[2], fromD = from[3], fromE = from[4], fromF = from[5];
        TVector a0 = bias == null ? default : TVector.Load(bias), a1 = bias == null ? default : TVector.Load(bias + second);
        TVector b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1, e0 = a0, e1 = a1, f0 = a0, f1 = a1;
        for (int row = 0; row < strip.KernelRows; row++, x += strip.KernelRowStride)
        {
            float* term = x;
            for (int i = 0; i < strip.KernelRow; i++, term++, w += stride)
            {
                TVector w0 = TVector.Load(w), w1 = TVector.Load(w + second), value = TVector.Broadcast(term[fromA]);
                a0 = TVector.MultiplyAdd(value, w0, a0);
                a1 = TVector.MultiplyAdd(value, w1, a1);
                value = TVector.Broadcast(term[fromB]);
                b0 = TVector.MultiplyAdd(value, w0, b0);
                b1 = TVector.MultiplyAdd(value, w1, b1);
                value = TVector.Broadcast(term[fromC]);
                c0 = TVector.MultiplyAdd(value, w0, c0);
                c1 = TVector.MultiplyAdd(value, w1, c1);
                value = TVector.Broadcast(term[fromD]);
                d0 = TVector.MultiplyAdd(value, w0, d0);
                d1 = TVector.MultiplyAdd(value, w1, d1);
                value = TVector.Broadcast(term[fromE]);
                e0 = TVector.MultiplyAdd(value, w0, e0);
                e1 = TVector.MultiplyAdd(value, w1, e1);
                value = TVector.Broadcast(term[fromF]);
                f0 = TVector.MultiplyAdd(value, w0, f0);
                f1 = TVector.MultiplyAdd(value, w1, f1);
            }
        }

        Store(function, a0, a1, y + to[0], second);
        Store(function, b0, b1, y + to[1], second);
        Store(function, c0, c1, y + to[2], second);
        Store(function, d0, d1, y + to[3], second);
        Store(function, e0, e1, y + to[4], second);
        Store(function, f0, f1, y + to[5], second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TFunction, TVector>(TFunction function, TVector first, TVector last, float* target, nint second)
        where TFunction : struct, IActivation
        where TVector : struct, IFloats<TVector>
    {
        function.Value(first).Store(target);
        function.Value(last).Store(target + second);
    }
}
