using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>
/// The gradient of max pooling of one NCHW plane whose windows are three wide and two apart. Instead of bringing every dy to its maximum, one after the
/// other, pairs of neighboring columns of dx ask the windows that cover them, many at a time: every element of dx is written once and none is read, with the
/// same additions in the same order.
/// </summary>
internal static class MaxPoolingGradient
{
    private static readonly Vector512<int> s_pairs512 = Vector512.CreateSequence(0, 2);
    private static readonly Vector256<int> s_pairs256 = Vector256.CreateSequence(0, 2);

    /// <summary>Whether this kernel takes a geometry.</summary>
    public static bool Takes(in Pool2dDims dims) =>
        dims.KW == 3 && dims.StrideW == 2 && dims.DilationW == 1 && dims.PadLeft <= 1 && dims.OW >= 2 && dims.IW >= 2 * Vector256<int>.Count;

    /// <summary><see cref="MaxPooling.Backward"/> for such windows.</summary>
    public static void Run(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
    {
        int length = dims.OH * dims.OW;
        dy = dy[..length];
        argmax = argmax[..length];
        dx = dx[..(dims.IH * dims.IW)];
        if (dims.PadLeft == 1)
            Run<Yes>(dims, dy, argmax, dx);
        else
            Run<No>(dims, dy, argmax, dx);
    }

    /// <summary>Whether all indices lie inside the plane, as those of <see cref="MaxPooling.Forward"/> do.</summary>
    public static bool AreInside(ReadOnlySpan<int> argmax, int plane)
    {
        ReadOnlySpan<Vector512<int>> vectors = MemoryMarshal.Cast<int, Vector512<int>>(argmax);
        Vector512<uint> highest = default;
        foreach (Vector512<int> vector in vectors)
            highest = Vector512.Max(highest, vector.AsUInt32());
        bool inside = !Vector512.GreaterThanOrEqualAny(highest, Vector512.Create((uint)plane));
        foreach (int position in argmax[(vectors.Length * Vector512<int>.Count)..])
            inside &= (uint)position < (uint)plane;
        return inside;
    }

    private static void Run<TPadded>(in Pool2dDims dims, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, Span<float> dx)
        where TPadded : struct, IFlag
    {
        // Output rows that meet a row of dx; never more than KH, and two where windows are three high and two apart.
        Span<int> rows = stackalloc int[dims.KH];
        int pairs = dims.IW / 2, step = pairs >= Vector512<int>.Count ? Vector512<int>.Count : Vector256<int>.Count;
        for (int ih = 0; ih < dims.IH; ih++)
        {
            Span<float> row = dx.Slice(ih * dims.IW, dims.IW);
            int count = 0;
            for (int kh = dims.KH - 1; kh >= 0; kh--)
            {
                int oh = dims.OutputRow(ih, kh);
                if (oh >= 0)
                    rows[count++] = oh * dims.OW;
            }

            int position = ih * dims.IW;
            ReadOnlySpan<int> windows = rows[..count];
            for (int block = 0; block < pairs; block += step)
            {
                // The last pairs of a row move back over some that are done.
                int pair = Math.Min(block, pairs - step);
                if (step == Vector512<int>.Count)
                    Pairs512<TPadded>(windows, dy, argmax, position + 2 * pair, pair, row);
                else
                    Pairs256<TPadded>(windows, dy, argmax, position + 2 * pair, pair, row);
            }

            if (dims.IW > 2 * pairs)
                row[2 * pairs] = Element<TPadded>(windows, dims.OW, dy, argmax, position + 2 * pairs, pairs);
        }
    }

    // Columns 2p and 2p + 1 of dx for 16 pairs p. Three windows reach them: without padding p − 1 and p the first, p the second; with padding p the first,
    // p and p + 1 the second. A window that isn't there is the last or the first of a neighboring row, which has its maximum elsewhere.
    private static void Pairs512<TPadded>(ReadOnlySpan<int> windows, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, int position, int pair, Span<float> row)
        where TPadded : struct, IFlag
    {
        Vector512<int> even = s_pairs512 + Vector512.Create(position), odd = even + Vector512<int>.One;
        Vector512<float> first = default, second = default;
        foreach (int window in windows)
        {
            int low = window + pair - (TPadded.IsSet ? 0 : 1);
            if (low < 0 || low + Vector512<int>.Count + 1 > dy.Length)
            {
                (first, second) = AtEnd(dy, argmax, low, position, Vector512<int>.Count, first, second);
                continue;
            }

            ref float gradient = ref Unsafe.Add(ref MemoryMarshal.GetReference(dy), low);
            ref int best = ref Unsafe.Add(ref MemoryMarshal.GetReference(argmax), low);
            Vector512<int> left = Vector512.LoadUnsafe(ref best), right = Vector512.LoadUnsafe(ref best, 1);
            Vector512<float> leftGradient = Vector512.LoadUnsafe(ref gradient), rightGradient = Vector512.LoadUnsafe(ref gradient, 1);
            if (TPadded.IsSet)
            {
                first += leftGradient & Vector512.Equals(left, even).AsSingle();
                second += leftGradient & Vector512.Equals(left, odd).AsSingle();
                second += rightGradient & Vector512.Equals(right, odd).AsSingle();
            }
            else
            {
                first += leftGradient & Vector512.Equals(left, even).AsSingle();
                first += rightGradient & Vector512.Equals(right, even).AsSingle();
                second += rightGradient & Vector512.Equals(right, odd).AsSingle();
            }
        }

        Lanes.Join(first, second, ref MemoryMarshal.GetReference(row.Slice(2 * pair, 2 * Vector512<int>.Count)), 0);
    }

    private static void Pairs256<TPadded>(ReadOnlySpan<int> windows, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, int position, int pair, Span<float> row)
        where TPadded : struct, IFlag
    {
        Vector256<int> even = s_pairs256 + Vector256.Create(position), odd = even + Vector256<int>.One;
        Vector256<float> first = default, second = default;
        foreach (int window in windows)
        {
            int low = window + pair - (TPadded.IsSet ? 0 : 1);
            if (low < 0 || low + Vector256<int>.Count + 1 > dy.Length)
            {
                (Vector512<float> a, Vector512<float> b) = AtEnd(dy, argmax, low, position, Vector256<int>.Count, first.ToVector512(), second.ToVector512());
                (first, second) = (a.GetLower(), b.GetLower());
                continue;
            }

            ref float gradient = ref Unsafe.Add(ref MemoryMarshal.GetReference(dy), low);
            ref int best = ref Unsafe.Add(ref MemoryMarshal.GetReference(argmax), low);
            Vector256<int> left = Vector256.LoadUnsafe(ref best), right = Vector256.LoadUnsafe(ref best, 1);
            Vector256<float> leftGradient = Vector256.LoadUnsafe(ref gradient), rightGradient = Vector256.LoadUnsafe(ref gradient, 1);
            if (TPadded.IsSet)
            {
                first += leftGradient & Vector256.Equals(left, even).AsSingle();
                second += leftGradient & Vector256.Equals(left, odd).AsSingle();
                second += rightGradient & Vector256.Equals(right, odd).AsSingle();
            }
            else
            {
                first += leftGradient & Vector256.Equals(left, even).AsSingle();
                first += rightGradient & Vector256.Equals(right, even).AsSingle();
                second += rightGradient & Vector256.Equals(right, odd).AsSingle();
            }
        }

        Lanes.Join(first, second, ref MemoryMarshal.GetReference(row.Slice(2 * pair, 2 * Vector256<int>.Count)), 0);
    }

    // The same where a register would leave the plane of dy: at the first and at the last rows of windows.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Vector512<float> First, Vector512<float> Second) AtEnd(
        ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, int low, int position, int count, Vector512<float> first, Vector512<float> second)
    {
        for (int i = 0; i < count; i++)
        {
            for (int window = low + i; window <= low + i + 1; window++)
            {
                if ((uint)window >= (uint)dy.Length)
                    continue;
                if (argmax[window] == position + 2 * i)
                    first = first.WithElement(i, first[i] + dy[window]);
                else if (argmax[window] == position + 2 * i + 1)
                    second = second.WithElement(i, second[i] + dy[window]);
            }
        }

        return (first, second);
    }

    // The last column of a row of an odd number, which is the first of its pair.
    private static float Element<TPadded>(ReadOnlySpan<int> windows, int width, ReadOnlySpan<float> dy, ReadOnlySpan<int> argmax, int position, int pair)
        where TPadded : struct, IFlag
    {
        float sum = 0;
        foreach (int window in windows)
        {
            for (int ow = Math.Max(0, pair - (TPadded.IsSet ? 0 : 1)); ow < Math.Min(width, pair + 1); ow++)
            {
                if (argmax[window + ow] == position)
                    sum += dy[window + ow];
            }
        }

        return sum;
    }
}
