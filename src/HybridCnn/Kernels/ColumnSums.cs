using System.Numerics;
using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>Sums of the columns of a matrix: what the bias of an NHWC layer collects.</summary>
internal static class ColumnSums
{
    // A sum of many equal numbers loses a bit with every doubling; sums of this many rows are summed in turn.
    private const int BlockRows = 256;

    /// <summary>Adds the sum of every column of a [rows, sums.Length], at row stride <paramref name="lda"/>, to sums.</summary>
    public static void Add(ReadOnlySpan<float> a, int lda, int rows, Span<float> sums)
    {
        if (rows <= 0 || sums.IsEmpty)
            return;
        ReadOnlySpan<float> matrix = a[..checked((rows - 1) * lda + sums.Length)];
        int wide = Vector<float>.Count;
        int column = 0;
        for (; column + 4 * wide <= sums.Length; column += 4 * wide)
            AddFour(matrix, lda, rows, column, sums);
        for (; column + wide <= sums.Length; column += wide)
            AddOne(matrix, lda, rows, column, sums);
        for (; column < sums.Length; column++)
        {
            double sum = 0;
            for (int row = 0; row < rows; row++)
                sum += matrix[row * lda + column];
            sums[column] += (float)sum;
        }
    }

    private static void AddFour(ReadOnlySpan<float> matrix, int lda, int rows, int column, Span<float> sums)
    {
        ref float origin = ref MemoryMarshal.GetReference(matrix);
        nuint wide = (nuint)Vector<float>.Count;
        Vector<float> t0 = default, t1 = default, t2 = default, t3 = default;
        for (int block = 0; block < rows; block += BlockRows)
        {
            Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
            int end = Math.Min(rows, block + BlockRows);
            nuint at = (nuint)((long)block * lda + column);
            for (int row = block; row < end; row++, at += (nuint)lda)
            {
                s0 += Vector.LoadUnsafe(ref origin, at);
                s1 += Vector.LoadUnsafe(ref origin, at + wide);
                s2 += Vector.LoadUnsafe(ref origin, at + 2 * wide);
                s3 += Vector.LoadUnsafe(ref origin, at + 3 * wide);
            }

            (t0, t1, t2, t3) = (t0 + s0, t1 + s1, t2 + s2, t3 + s3);
        }

        Span<Vector<float>> totals = MemoryMarshal.Cast<float, Vector<float>>(sums.Slice(column, 4 * Vector<float>.Count));
        totals[0] += t0;
        totals[1] += t1;
        totals[2] += t2;
        totals[3] += t3;
    }

    private static void AddOne(ReadOnlySpan<float> matrix, int lda, int rows, int column, Span<float> sums)
    {
        ref float origin = ref MemoryMarshal.GetReference(matrix);
        Vector<float> total = default;
        for (int block = 0; block < rows; block += BlockRows)
        {
            Vector<float> sum = default;
            int end = Math.Min(rows, block + BlockRows);
            for (int row = block; row < end; row++)
                sum += Vector.LoadUnsafe(ref origin, (nuint)((long)row * lda + column));
            total += sum;
        }

        (new Vector<float>(sums[column..]) + total).CopyTo(sums[column..]);
    }
}
