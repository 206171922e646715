using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Products of overlapping patches and a matrix, without writing the patches down. Six pixels by two registers of columns are
/// summed in registers; a step reads two registers of the matrix, which all six pixels use, and one float of each patch. So a step has
/// twelve multiplications to eight loads, and Y is written once, with bias and function. Where the processor has 32 registers and the columns come in fours of them, it is
/// six by four: 24 multiplications to ten loads, 6 to 8 % faster for 64 columns of 64 and 147 terms.
/// <code>
///                 N = columns, 2 or 4 registers at a time
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

    // Where patches are pixels behind one another, the next six are asked for before these are done: a line with each term, which are two to three times as many as
    // the six pixels' lines. Images that come from memory are up to 1.25 times as fast by that. With less than so many terms there is too little to hide it behind.
    private const int ShortestFetched = 64;

    /// <summary>Longer sums, term after term, would round more than is stated; OpenBLAS gets them in parts. 128 channels of kernels of 3x3 are as many.</summary>
    public const int LongestSum = 1152;

    /// <summary>How many of so many columns are summed at a time, where there are as many: one sweep over the patches.</summary>
    public static int Sweep(int columns) => FillsRegisters(columns) ? 4 * Floats16.Count : Vector512.IsHardwareAccelerated ? 2 * Floats16.Count : 2 * Floats8.Count;

    /// <summary>Whether so many columns are summed in as many registers as the widest vectors come with.</summary>
    public static bool FillsRegisters(int columns) => Vector512.IsHardwareAccelerated && TakesFour(columns, Floats16.Count);

    // Vectors of 512 bits come with 32 registers.
    private static bool TakesFour(int columns, int register) => register == Floats16.Count && columns % (4 * register) == 0;

    /// <summary>Y = f(patches · W + bias). Overwrites.</summary>
    /// <param name="function">f.</param>
    /// <param name="strip">The pixels and their patches.</param>
    /// <param name="x">From the first pixel's patch on.</param>
    /// <param name="columns">Columns of W and Y.</param>
    /// <param name="w">W [terms, columns], those that the patches leave out included.</param>
    /// <param name="bias">[columns], or empty.</param>
    /// <param name="y">Y [pixels, columns], its gaps included.</param>
    /// <param name="stride">Floats from one pixel of Y to the next.</param>
    public static void Run<TFunction>(
        TFunction function, in PatchStrip strip, ReadOnlySpan<float> x, int columns, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> y, int stride)
        where TFunction : struct, IActivation
    {
        x = x[..checked((int)strip.Length)];
        w = w[..checked(strip.DepthWithLeftOut * columns)];
        y = y[..checked((strip.CountWithGaps - 1) * stride + columns)];
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
        if (strip.KernelRows == 1 && strip.KernelRow >= ShortestFetched)
            Run<Yes, TFunction, TVector>(function, strip, x, columns, w, bias, y, stride);
        else
            Run<No, TFunction, TVector>(function, strip, x, columns, w, bias, y, stride);
    }

    private static void Run<TAhead, TFunction, TVector>(TFunction function, in PatchStrip strip, float* x, int columns, float* w, float* bias, float* y, nint stride)
        where TAhead : struct, IFlag
        where TFunction : struct, IActivation
        where TVector : struct, IFloats<TVector>
    {
        nint* from = stackalloc nint[Together];
        nint* to = stackalloc nint[Together];
        bool quads = TakesFour(columns, TVector.Count);
        var pairs = new ColumnPairs(columns, quads ? 2 * TVector.Count : TVector.Count);
        for (int pair = 0; pair < pairs.Count; pair++)
        {
            (int first, int second) = pairs[pair];
            int pixel = 0, inRow = 0;
            nint patch = 0, result = first;
            for (int done = 0; done < strip.Count; done += Together)
            {
                // The last pixel stands for those that are missing in the last six.
                for (int i = 0; i < Together; i++)
                {
                    from[i] = patch;
                    to[i] = result;
                    if (pixel == strip.Count - 1)
                        continue;
                    pixel++;
                    result += stride;
                    patch += strip.PixelStride;
                    if (++inRow == strip.Pixels)
                    {
                        inRow = 0;
                        result += strip.Gap * stride;
                        patch += strip.RowStride - (nint)strip.Pixels * strip.PixelStride;
                    }
                }

                if (quads)
                    SixByFour<TAhead, TFunction, TVector>(function, strip, x, from, w + first, columns, bias == null ? null : bias + first, y, to);
                else
                    Six<TAhead, TFunction, TVector>(function, strip, x, from, w + first, columns, second - first, bias == null ? null : bias + first, y, to);
            }
        }
    }

    // Registers: 24 sums, four of W, one float of x in all lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByFour<TAhead, TFunction, TVector>(
        TFunction function, in PatchStrip strip, float* x, nint* from, float* w, nint stride, float* bias, float* y, nint* to)
        where TAhead : struct, IFlag
        where TFunction : struct, IActivation
        where TVector : struct, IFloats<TVector>
    {
        nint fromA = from[0], fromB = from[1], fromC = from[2], fromD = from[3], fromE = from[4], fromF = from[5];
        int one = TVector.Count, two = 2 * one, three = 3 * one;
        TVector a0 = bias == null ? default : TVector.Load(bias), a1 = bias == null ? default : TVector.Load(bias + one);
        TVector a2 = bias == null ? default : TVector.Load(bias + two), a3 = bias == null ? default : TVector.Load(bias + three);
        TVector b0 = a0, b1 = a1, b2 = a2, b3 = a3;
        TVector c0 = a0, c1 = a1, c2 = a2, c3 = a3;
        TVector d0 = a0, d1 = a1, d2 = a2, d3 = a3;
        TVector e0 = a0, e1 = a1, e2 = a2, e3 = a3;
        TVector f0 = a0, f1 = a1, f2 = a2, f3 = a3;
        float* next = x + fromA + Together * strip.PixelStride;
        nint kernelRow = strip.KernelRow, nextRow = strip.KernelRowStride - kernelRow, leftOut = strip.LeftOut * stride;
        for (int row = strip.KernelRows; row > 0; row--, x += nextRow, w += leftOut)
        {
            float* end = x + kernelRow;
            do
            {
                if (TAhead.IsSet)
                {
                    Prefetch.Line(next);
                    next += Together;
                }

                TVector w0 = TVector.Load(w), w1 = TVector.Load(w + one), w2 = TVector.Load(w + two), w3 = TVector.Load(w + three);
                TVector value = TVector.Broadcast(x[fromA]);
                TVector.AddProduct(value, w0, ref a0);
                TVector.AddProduct(value, w1, ref a1);
                TVector.AddProduct(value, w2, ref a2);
                TVector.AddProduct(value, w3, ref a3);
                value = TVector.Broadcast(x[fromB]);
                TVector.AddProduct(value, w0, ref b0);
                TVector.AddProduct(value, w1, ref b1);
                TVector.AddProduct(value, w2, ref b2);
                TVector.AddProduct(value, w3, ref b3);
                value = TVector.Broadcast(x[fromC]);
                TVector.AddProduct(value, w0, ref c0);
                TVector.AddProduct(value, w1, ref c1);
                TVector.AddProduct(value, w2, ref c2);
                TVector.AddProduct(value, w3, ref c3);
                value = TVector.Broadcast(x[fromD]);
                TVector.AddProduct(value, w0, ref d0);
                TVector.AddProduct(value, w1, ref d1);
                TVector.AddProduct(value, w2, ref d2);
                TVector.AddProduct(value, w3, ref d3);
                value = TVector.Broadcast(x[fromE]);
                TVector.AddProduct(value, w0, ref e0);
                TVector.AddProduct(value, w1, ref e1);
                TVector.AddProduct(value, w2, ref e2);
                TVector.AddProduct(value, w3, ref e3);
                value = TVector.Broadcast(x[fromF]);
                TVector.AddProduct(value, w0, ref f0);
                TVector.AddProduct(value, w1, ref f1);
                TVector.AddProduct(value, w2, ref f2);
                TVector.AddProduct(value, w3, ref f3);
                x++;
                w += stride;
            }
            while (x < end);
        }

        Store(function, a0, a1, y + to[0], one);
        Store(function, a2, a3, y + to[0] + two, one);
        Store(function, b0, b1, y + to[1], one);
        Store(function, b2, b3, y + to[1] + two, one);
        Store(function, c0, c1, y + to[2], one);
        Store(function, c2, c3, y + to[2] + two, one);
        Store(function, d0, d1, y + to[3], one);
        Store(function, d2, d3, y + to[3] + two, one);
        Store(function, e0, e1, y + to[4], one);
        Store(function, e2, e3, y + to[4] + two, one);
        Store(function, f0, f1, y + to[5], one);
        Store(function, f2, f3, y + to[5] + two, one);
    }

    // Registers: twelve sums, two of W, one float of x in all lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Six<TAhead, TFunction, TVector>(
        TFunction function, in PatchStrip strip, float* x, nint* from, float* w, nint stride, nint second, float* bias, float* y, nint* to)
        where TAhead : struct, IFlag
        where TFunction : struct, IActivation
        where TVector : struct, IFloats<TVector>
    {
        nint fromA = from[0], fromB = from[1], fromC = from[2], fromD = from[3], fromE = from[4], fromF = from[5];
        TVector a0 = bias == null ? default : TVector.Load(bias), a1 = bias == null ? default : TVector.Load(bias + second);
        TVector b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1, e0 = a0, e1 = a1, f0 = a0, f1 = a1;
        float* next = x + fromA + Together * strip.PixelStride;
        nint kernelRow = strip.KernelRow, nextRow = strip.KernelRowStride - kernelRow, leftOut = strip.LeftOut * stride;
        for (int row = strip.KernelRows; row > 0; row--, x += nextRow, w += leftOut)
        {
            float* end = x + kernelRow;
            do
            {
                if (TAhead.IsSet)
                {
                    Prefetch.Line(next);
                    next += Together;
                }

                TVector w0 = TVector.Load(w), w1 = TVector.Load(w + second), value = TVector.Broadcast(x[fromA]);
                TVector.AddProduct(value, w0, ref a0);
                TVector.AddProduct(value, w1, ref a1);
                value = TVector.Broadcast(x[fromB]);
                TVector.AddProduct(value, w0, ref b0);
                TVector.AddProduct(value, w1, ref b1);
                value = TVector.Broadcast(x[fromC]);
                TVector.AddProduct(value, w0, ref c0);
                TVector.AddProduct(value, w1, ref c1);
                value = TVector.Broadcast(x[fromD]);
                TVector.AddProduct(value, w0, ref d0);
                TVector.AddProduct(value, w1, ref d1);
                value = TVector.Broadcast(x[fromE]);
                TVector.AddProduct(value, w0, ref e0);
                TVector.AddProduct(value, w1, ref e1);
                value = TVector.Broadcast(x[fromF]);
                TVector.AddProduct(value, w0, ref f0);
                TVector.AddProduct(value, w1, ref f1);
                x++;
                w += stride;
            }
            while (x < end);
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
