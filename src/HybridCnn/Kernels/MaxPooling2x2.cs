using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// Max pooling in 2x2 tiles, four, eight or (backward) sixteen windows at a time. The last block of a row is moved back so that it ends with the
/// row: windows don't overlap, so computing one twice changes nothing.
/// </summary>
internal static class MaxPooling2x2
{
    /// <summary>Rows with fewer windows don't fill a vector.</summary>
    public const int MinimumWidth = 4;

    private static readonly Vector512<int> s_columns512 = Vector512.CreateSequence(0, 2);
    private static readonly Vector256<int> s_columns256 = Vector256.CreateSequence(0, 2);
    private static readonly Vector128<int> s_columns128 = Vector128.CreateSequence(0, 2);

    /// <summary><see cref="MaxPooling.Forward"/> for tiles.</summary>
    public static void Forward(in Pool2dDims dims, ReadOnlySpan<float> x, Span<float> y, Span<int> argmax)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int oh = 0; oh < dims.OH; oh++)
        {
            // Slices prove the bounds that the vector loads below rely on: 2 * ow floats of each row, ow of each result.
            int origin = 2 * oh * iw;
            ref float top = ref MemoryMarshal.GetReference(x.Slice(origin, 2 * ow));
            ref float bottom = ref MemoryMarshal.GetReference(x.Slice(origin + iw, 2 * ow));
            ref float max = ref MemoryMarshal.GetReference(y.Slice(oh * ow, ow));
            ref int best = ref MemoryMarshal.GetReference(argmax.Slice(oh * ow, ow));
            if (ow < 8)
            {
                for (int i = 0; i < ow; i += 4)
                    Forward128(ref top, ref bottom, origin, iw, Math.Min(i, ow - 4), ref max, ref best);
                continue;
            }

            for (int i = 0; i < ow; i += 8)
                Forward256(ref top, ref bottom, origin, iw, Math.Min(i, ow - 8), ref max, ref best);
        }
    }

    /// <summary><see cref="MaxPooling.Backward"/> for tiles: every element of dx is written once, and none is read.</summary>
    public static void Backward(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
    {
        int iw = dims.IW, ow = dims.OW;
        for (int oh = 0; oh < dims.OH; oh++)
        {
            int origin = 2 * oh * iw;
            ref float gradient = ref MemoryMarshal.GetReference(dy.Slice(oh * ow, ow));
            ref int best = ref MemoryMarshal.GetReference(argmax.Slice(oh * ow, ow));
            ref float top = ref MemoryMarshal.GetReference(dx.Slice(origin, 2 * ow));
            ref float bottom = ref MemoryMarshal.GetReference(dx.Slice(origin + iw, 2 * ow));
            if (ow < 8)
            {
                for (int i = 0; i < ow; i += 4)
                    Backward128(ref gradient, ref best, origin, iw, Math.Min(i, ow - 4), ref top, ref bottom);
            }
            else if (ow >= 16)
            {
                for (int i = 0; i < ow; i += 16)
                    Backward512(ref gradient, ref best, origin, iw, Math.Min(i, ow - 16), ref top, ref bottom);
            }
            else
            {
                for (int i = 0; i < ow; i += 8)
                    Backward256(ref gradient, ref best, origin, iw, Math.Min(i, ow - 8), ref top, ref bottom);
            }

            if (2 * ow < iw)
            {
                dx[(origin + 2 * ow)..(origin + iw)].Clear();
                dx[(origin + iw + 2 * ow)..(origin + 2 * iw)].Clear();
            }
        }

        dx[(2 * dims.OH * iw)..].Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward256(ref float top, ref float bottom, int origin, int iw, int i, ref float y, ref int argmax)
    {
        (Vector256<float> a, Vector256<float> b) = Lanes.Split256(ref top, (nuint)(2 * i));
        (Vector256<float> c, Vector256<float> d) = Lanes.Split256(ref bottom, (nuint)(2 * i));
        Vector256<int> first = s_columns256 + Vector256.Create(origin + 2 * i);

        Vector256<float> max = a;
        Vector256<int> best = first;
        Take(b, first + Vector256<int>.One, ref max, ref best);
        Take(c, first + Vector256.Create(iw), ref max, ref best);
        Take(d, first + Vector256.Create(iw + 1), ref max, ref best);
        max.StoreUnsafe(ref y, (nuint)i);
        best.StoreUnsafe(ref argmax, (nuint)i);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Take(Vector256<float> value, Vector256<int> position, ref Vector256<float> max, ref Vector256<int> best)
        {
            Vector256<float> take = Vector256.GreaterThan(value, max) | ~Vector256.Equals(value, value);
            max = Vector256.ConditionalSelect(take, value, max);
            best = Vector256.ConditionalSelect(take.AsInt32(), position, best);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward128(ref float top, ref float bottom, int origin, int iw, int i, ref float y, ref int argmax)
    {
        (Vector128<float> a, Vector128<float> b) = Lanes.Split128(ref top, (nuint)(2 * i));
        (Vector128<float> c, Vector128<float> d) = Lanes.Split128(ref bottom, (nuint)(2 * i));
        Vector128<int> first = s_columns128 + Vector128.Create(origin + 2 * i);

        Vector128<float> max = a;
        Vector128<int> best = first;
        Take(b, first + Vector128<int>.One, ref max, ref best);
        Take(c, first + Vector128.Create(iw), ref max, ref best);
        Take(d, first + Vector128.Create(iw + 1), ref max, ref best);
        max.StoreUnsafe(ref y, (nuint)i);
        best.StoreUnsafe(ref argmax, (nuint)i);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Take(Vector128<float> value, Vector128<int> position, ref Vector128<float> max, ref Vector128<int> best)
        {
            Vector128<float> take = Vector128.GreaterThan(value, max) | ~Vector128.Equals(value, value);
            max = Vector128.ConditionalSelect(take, value, max);
            best = Vector128.ConditionalSelect(take.AsInt32(), position, best);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Backward512(ref float dy, ref int argmax, int origin, int iw, int i, ref float top, ref float bottom)
    {
        Vector512<int> gradient = Vector512.LoadUnsafe(ref dy, (nuint)i).AsInt32();
        Vector512<int> tap = Vector512.LoadUnsafe(ref argmax, (nuint)i) - s_columns512 - Vector512.Create(origin + 2 * i);
        Vector512<int> a = gradient & Vector512.Equals(tap, Vector512<int>.Zero);
        Vector512<int> b = gradient & Vector512.Equals(tap, Vector512<int>.One);
        Vector512<int> c = gradient & Vector512.Equals(tap, Vector512.Create(iw));
        Vector512<int> d = gradient & Vector512.Equals(tap, Vector512.Create(iw + 1));
        Lanes.Join(a.AsSingle(), b.AsSingle(), ref top, (nuint)(2 * i));
        Lanes.Join(c.AsSingle(), d.AsSingle(), ref bottom, (nuint)(2 * i));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Backward256(ref float dy, ref int argmax, int origin, int iw, int i, ref float top, ref float bottom)
    {
        Vector256<int> gradient = Vector256.LoadUnsafe(ref dy, (nuint)i).AsInt32();
        // 0, 1, iw or iw + 1: which of its tile's four elements was the maximum.
        Vector256<int> tap = Vector256.LoadUnsafe(ref argmax, (nuint)i) - s_columns256 - Vector256.Create(origin + 2 * i);
        Vector256<int> a = gradient & Vector256.Equals(tap, Vector256<int>.Zero);
        Vector256<int> b = gradient & Vector256.Equals(tap, Vector256<int>.One);
        Vector256<int> c = gradient & Vector256.Equals(tap, Vector256.Create(iw));
        Vector256<int> d = gradient & Vector256.Equals(tap, Vector256.Create(iw + 1));
        Lanes.Join(a.AsSingle(), b.AsSingle(), ref top, (nuint)(2 * i));
        Lanes.Join(c.AsSingle(), d.AsSingle(), ref bottom, (nuint)(2 * i));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Backward128(ref float dy, ref int argmax, int origin, int iw, int i, ref float top, ref float bottom)
    {
        Vector128<int> gradient = Vector128.LoadUnsafe(ref dy, (nuint)i).AsInt32();
        Vector128<int> tap = Vector128.LoadUnsafe(ref argmax, (nuint)i) - s_columns128 - Vector128.Create(origin + 2 * i);
        Vector128<int> a = gradient & Vector128.Equals(tap, Vector128<int>.Zero);
        Vector128<int> b = gradient & Vector128.Equals(tap, Vector128<int>.One);
        Vector128<int> c = gradient & Vector128.Equals(tap, Vector128.Create(iw));
        Vector128<int> d = gradient & Vector128.Equals(tap, Vector128.Create(iw + 1));
        Lanes.Join(a.AsSingle(), b.AsSingle(), ref top, (nuint)(2 * i));
        Lanes.Join(c.AsSingle(), d.AsSingle(), ref bottom, (nuint)(2 * i));
    }
}
