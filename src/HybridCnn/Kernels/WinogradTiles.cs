namespace HybridCnn.Kernels;

/// <summary>
/// How the pixels of a batch of NHWC images are cut into tiles of Step x Step outputs, counted over the images, their rows and
/// their columns; the last row and column of tiles may reach beyond the image.
/// </summary>
internal readonly struct WinogradTiles(int step, int images, int outputHeight, int outputWidth)
{
    private readonly int _down = (outputHeight + step - 1) / step;
    private readonly int _across = (outputWidth + step - 1) / step;

    /// <summary>Tiles of the whole batch.</summary>
    public int Count => checked(images * _down * _across);

    /// <summary>
    /// The addresses of the size x size pixels of a tile's window, row by row; for a pixel outside the image, the address
    /// <paramref name="outside"/>.
    /// </summary>
    /// <param name="tile">Number of the tile.</param>
    /// <param name="size">Edge of the window.</param>
    /// <param name="padTop">Rows by which the window starts above the tile's first pixel.</param>
    /// <param name="padLeft">Columns by which it starts to the left.</param>
    /// <param name="image">Where the images lie, and their extents.</param>
    /// <param name="outside">At least as many floats as are read or written per pixel.</param>
    /// <param name="pixels">size·size addresses.</param>
    public unsafe void Window(int tile, int size, int padTop, int padLeft, in ImageView image, float* outside, float** pixels)
    {
        (int n, int inImage) = Math.DivRem(tile, _down * _across);
        (int down, int across) = Math.DivRem(inImage, _across);
        int top = down * step - padTop, left = across * step - padLeft;
        float* row = image.Data + (((nint)n * image.Height + top) * image.Width + left) * image.PixelStride;
        for (int i = 0; i < size; i++, row += (nint)image.Width * image.PixelStride)
        {
            bool inside = (uint)(top + i) < (uint)image.Height;
            for (int j = 0; j < size; j++)
                *pixels++ = inside && (uint)(left + j) < (uint)image.Width ? row + (nint)j * image.PixelStride : outside;
        }
    }
}

/// <summary>NHWC images in memory that its holder keeps pinned: the first wanted channel of the first pixel, and the distance of pixels.</summary>
internal readonly unsafe struct ImageView(float* data, int height, int width, int pixelStride)
{
    public float* Data => data;

    public int Height => height;

    public int Width => width;

    public int PixelStride => pixelStride;
}
