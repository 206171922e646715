using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>A map of the plane: x' = Xx x + Xy y + X0, y' = Yx x + Yy y + Y0.</summary>
internal readonly record struct AffineMap(float Xx, float Xy, float X0, float Yx, float Yy, float Y0);

/// <summary>Draws a plane of bytes through an affine map, between pixels bilinear.</summary>
internal static class ImageWarp
{
    // Weights in 1/256, so that a pixel is whole numbers and the same bits everywhere; 16 bits carry the sum of two products.
    private const int One = 256;

    /// <summary>y[r, c] = x at the map of (c, r), pixels having their middles at whole numbers; beyond the edge x is 0.</summary>
    /// <param name="x">[H, W].</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="map">From columns and rows of y to those of x.</param>
    /// <param name="y">[H, W]; overwritten.</param>
    public static void Run(ReadOnlySpan<byte> x, int height, int width, in AffineMap map, Span<byte> y)
    {
        for (int r = 0; r < height; r++)
        {
            Span<byte> to = y.Slice(r * width, width);
            for (int c = 0; c < width; c++)
            {
                float u = map.Xx * c + map.Xy * r + map.X0, v = map.Yx * c + map.Yy * r + map.Y0;
                // Written so that a number that is none is outside too.
                to[c] = u > -1 && u < width && v > -1 && v < height ? At(x, height, width, u, v) : (byte)0;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte At(ReadOnlySpan<byte> x, int height, int width, float u, float v)
    {
        // From -1 on: one more makes the cast round down.
        int column = (int)(u + 1) - 1, row = (int)(v + 1) - 1;
        int right = (int)((u - column) * One + 0.5f), down = (int)((v - row) * One + 0.5f);
        int above, below;
        int at = row * width + column;
        if (column >= 0 && column + 1 < width && row >= 0 && row + 1 < height)
        {
            above = x[at] * (One - right) + x[at + 1] * right;
            below = x[at + width] * (One - right) + x[at + width + 1] * right;
        }
        else
        {
            bool left = column >= 0, beside = column + 1 < width;
            above = row < 0 ? 0 : (left ? x[at] * (One - right) : 0) + (beside ? x[at + 1] * right : 0);
            below = row + 1 >= height ? 0 : (left ? x[at + width] * (One - right) : 0) + (beside ? x[at + width + 1] * right : 0);
        }

        return (byte)((above * (One - down) + below * down + One * One / 2) / (One * One));
    }
}
