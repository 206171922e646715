namespace HybridCnn.Kernels;

/// <summary>Moves a plane of bytes by whole pixels, mirrored or not: a crop out of a padded image without the padded image.</summary>
internal static class ImageShift
{
    /// <summary>y[r, c] = x[r + dr, c + dc], or x[r + dr, W - 1 - (c + dc)] mirrored; 0 where that lies outside.</summary>
    /// <param name="x">[H, W].</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="dr">Rows to look further down.</param>
    /// <param name="dc">Columns to look further right.</param>
    /// <param name="mirrored">Whether left and right change places.</param>
    /// <param name="y">[H, W]; overwritten.</param>
    public static void Run(ReadOnlySpan<byte> x, int height, int width, int dr, int dc, bool mirrored, Span<byte> y)
    {
        // The columns of y that see x are the same in every row.
        int first = Math.Clamp(-dc, 0, width), behind = Math.Clamp(width - dc, first, width);
        int count = behind - first;
        for (int r = 0; r < height; r++)
        {
            Span<byte> to = y.Slice(r * width, width);
            int from = r + dr;
            if ((uint)from >= (uint)height || count == 0)
            {
                to.Clear();
                continue;
            }

            to[..first].Clear();
            to[behind..].Clear();
            ReadOnlySpan<byte> row = x.Slice(from * width, width);
            Span<byte> seen = to.Slice(first, count);
            if (!mirrored)
            {
                row.Slice(first + dc, count).CopyTo(seen);
                continue;
            }

            row.Slice(width - behind - dc, count).CopyTo(seen);
            seen.Reverse();
        }
    }
}
