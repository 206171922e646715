using System.Numerics;

namespace HybridCnn.Kernels;

/// <summary>Adds transposed matrices, in squares of four by four that stay in registers.</summary>
internal static class TransposedSum
{
    private const int Side = 4;

    /// <summary>b [columns, rows] += aᵀ, of a [rows, columns]; b dense, the rows of a <paramref name="stride"/> apart.</summary>
    public static void Add(ReadOnlySpan<float> a, int stride, int rows, int columns, Span<float> b)
    {
        int r = 0;
        for (; r + Side <= rows; r += Side)
        {
            int c = 0;
            for (; c + Side <= columns; c += Side)
            {
                Matrix4x4 square = Load(a[(r * stride + c)..], stride);
                Span<float> target = b[(c * rows + r)..];
                Store(Load(target, rows) + Matrix4x4.Transpose(square), target, rows);
            }

            for (; c < columns; c++)
            {
                for (int i = r; i < r + Side; i++)
                    b[c * rows + i] += a[i * stride + c];
            }
        }

        for (; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                b[c * rows + r] += a[r * stride + c];
        }
    }

    private static Matrix4x4 Load(ReadOnlySpan<float> from, int stride)
    {
        Matrix4x4 square = default;
        square.X = new Vector4(from);
        square.Y = new Vector4(from[stride..]);
        square.Z = new Vector4(from[(2 * stride)..]);
        square.W = new Vector4(from[(3 * stride)..]);
        return square;
    }

    private static void Store(Matrix4x4 square, Span<float> to, int stride)
    {
        square.X.CopyTo(to);
        square.Y.CopyTo(to[stride..]);
        square.Z.CopyTo(to[(2 * stride)..]);
        square.W.CopyTo(to[(3 * stride)..]);
    }
}
