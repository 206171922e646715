using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// The gradient by W of <see cref="PatchProducts"/>, without writing the patches down. Nine terms by two registers of columns are
/// summed in registers over all pixels of a strip; nine, because it divides the patches of 3x3 kernels and of most on three channels:
/// <code>
///                  N = columns, 2 registers at a time
///                ┌────┬────┐
///      K = pixels│ dY │    │     dW [terms, columns] += patchesᵀ [terms, pixels] · dY [pixels, columns]
///   ┌──────────┐ ├────┼────┤
///   │ patchesᵀ │ │ dW │    │ M = terms, 9 at a time
///   └──────────┘ └────┴────┘
/// </code>
/// </summary>
internal static unsafe class PatchGradient
{
    private const int Together = 9;

    /// <summary>dW += patchesᵀ · dY.</summary>
    /// <param name="strip">The pixels and their patches.</param>
    /// <param name="x">From the first pixel's patch on.</param>
    /// <param name="columns">Columns of dW and dY.</param>
    /// <param name="dy">dY [pixels, columns].</param>
    /// <param name="sums">dW [terms, columns].</param>
    public static void Add(in PatchStrip strip, ReadOnlySpan<float> x, int columns, ReadOnlySpan<float> dy, Span<float> sums)
    {
        x = x[..checked((int)strip.Length)];
        dy = dy[..checked(strip.Count * columns)];
        sums = sums[..checked(strip.Depth * columns)];
        fixed (float* px = x, pd = dy, ps = sums)
        {
            if (Vector512.IsHardwareAccelerated && columns >= Floats16.Count)
                Add<Floats16>(strip, px, columns, pd, ps);
            else if (Vector256.IsHardwareAccelerated && columns >= Floats8.Count)
                Add<Floats8>(strip, px, columns, pd, ps);
            else if (columns >= Floats4.Count)
                Add<Floats4>(strip, px, columns, pd, ps);
            else
                Add<Floats1>(strip, px, columns, pd, ps);
        }
    }

    private static void Add<TVector>(in PatchStrip strip, float* x, int columns, float* dy, float* sums)
        where TVector : struct, IFloats<TVector>
    {
        nint* terms = stackalloc nint[Together];
        float* block = stackalloc float[Together * 2 * TVector.Count];
        var pairs = new ColumnPairs(columns, TVector.Count);
        // dY of the next strip, which lies behind this one, is asked for from its beginning to its end, evenly over all walks over these pixels. Otherwise the
        // first walk would wait for all of memory, and the others for none.
        float* next = dy + (nint)strip.Count * columns;
        int walks = pairs.Count * ((strip.Depth + Together - 1) / Together);
        nint step = Prefetch.Step(columns, walks);
        for (int pair = 0; pair < pairs.Count; pair++)
        {
            (int first, int second) = pairs[pair];
            for (int term = 0; term < strip.Depth; term += Together, next += step * strip.Count)
            {
                // The last nine begin among terms already done; of a patch of fewer, the last stands for those that are missing.
                int start = Math.Max(0, Math.Min(term, strip.Depth - Together));
                for (int i = 0; i < Together; i++)
                    terms[i] = strip.Term(Math.Min(start + i, strip.Depth - 1));
                Nine<TVector>(strip, x, terms, dy + first, columns, second - first, next, step, block);
                for (int i = term; i < Math.Min(term + Together, strip.Depth); i++)
                    AddRow<TVector>(block + (i - start) * 2 * TVector.Count, sums + (nint)i * columns + first, second - first);
            }
        }
    }

    // Where the two registers of a pair overlap, both hold the same sum, and both must be added to what was there before.
    private static void AddRow<TVector>(float* source, float* target, nint second)
        where TVector : struct, IFloats<TVector>
    {
        TVector low = TVector.Load(source) + TVector.Load(target), high = TVector.Load(source + TVector.Count) + TVector.Load(target + second);
        low.Store(target);
        high.Store(target + second);
    }

    // Registers: eighteen sums, two of dY, one float of x in all lanes.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Nine<TVector>(in PatchStrip strip, float* x, nint* terms, float* dy, nint stride, nint second, float* next, nint step, float* block)
        where TVector : struct, IFloats<TVector>
    {
        nint termA = terms[0], termB = terms[1], termC = terms[2], termD = terms[3], termE = terms[4];
        nint termF = terms[5], termG = terms[6], termH = terms[7], termI = terms[8];
        TVector a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default, e0 = default, e1 = default;
        TVector f0 = default, f1 = default, g0 = default, g1 = default, h0 = default, h1 = default, i0 = default, i1 = default;
        for (int row = 0; row < strip.Rows; row++, x += strip.RowStride)
        {
            float* patch = x;
            for (int pixel = 0; pixel < strip.Pixels; pixel++, patch += strip.PixelStride, dy += stride, next += step)
            {
                Prefetch.Line(next);
                TVector dy0 = TVector.Load(dy), dy1 = TVector.Load(dy + second), value = TVector.Broadcast(patch[termA]);
                TVector.AddProduct(value, dy0, ref a0);
                TVector.AddProduct(value, dy1, ref a1);
                value = TVector.Broadcast(patch[termB]);
                TVector.AddProduct(value, dy0, ref b0);
                TVector.AddProduct(value, dy1, ref b1);
                value = TVector.Broadcast(patch[termC]);
                TVector.AddProduct(value, dy0, ref c0);
                TVector.AddProduct(value, dy1, ref c1);
                value = TVector.Broadcast(patch[termD]);
                TVector.AddProduct(value, dy0, ref d0);
                TVector.AddProduct(value, dy1, ref d1);
                value = TVector.Broadcast(patch[termE]);
                TVector.AddProduct(value, dy0, ref e0);
                TVector.AddProduct(value, dy1, ref e1);
                value = TVector.Broadcast(patch[termF]);
                TVector.AddProduct(value, dy0, ref f0);
                TVector.AddProduct(value, dy1, ref f1);
                value = TVector.Broadcast(patch[termG]);
                TVector.AddProduct(value, dy0, ref g0);
                TVector.AddProduct(value, dy1, ref g1);
                value = TVector.Broadcast(patch[termH]);
                TVector.AddProduct(value, dy0, ref h0);
                TVector.AddProduct(value, dy1, ref h1);
                value = TVector.Broadcast(patch[termI]);
                TVector.AddProduct(value, dy0, ref i0);
                TVector.AddProduct(value, dy1, ref i1);
            }
        }

        Store(a0, a1, ref block);
        Store(b0, b1, ref block);
        Store(c0, c1, ref block);
        Store(d0, d1, ref block);
        Store(e0, e1, ref block);
        Store(f0, f1, ref block);
        Store(g0, g1, ref block);
        Store(h0, h1, ref block);
        Store(i0, i1, ref block);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TVector>(TVector low, TVector high, ref float* target)
        where TVector : struct, IFloats<TVector>
    {
        low.Store(target);
        high.Store(target + TVector.Count);
        target += 2 * TVector.Count;
    }
}
