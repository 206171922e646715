using HybridCnn.Data;
using SkiaSharp;

namespace HybridCnn.Cli.Pictures;

/// <summary>The first images of every class in one picture, a row per class.</summary>
internal static class ContactSheet
{
    private const int PerClass = 12, Gap = 2, SmallSide = 48;

    /// <returns>A PNG file.</returns>
    public static byte[] Draw(ImageDataset data)
    {
        int classes = data.ClassNames.Count, plane = data.Height * data.Width;
        // Small images twice as large, so that a person sees something.
        int zoom = Math.Max(data.Height, data.Width) <= SmallSide ? 2 : 1;
        (int cellHeight, int cellWidth) = (data.Height * zoom + Gap, data.Width * zoom + Gap);
        (int height, int width) = (classes * cellHeight + Gap, PerClass * cellWidth + Gap);
        var colours = new SKColor[height * width];
        Array.Fill(colours, SKColors.White);
        var drawn = new int[classes];
        for (int i = 0; i < data.Count; i++)
        {
            int row = data.Label(i), column = drawn[row]++;
            if (column >= PerClass)
                continue;
            ReadOnlySpan<byte> pixels = data.Image(i);
            for (int y = 0; y < data.Height * zoom; y++)
            {
                int at = (row * cellHeight + Gap + y) * width + column * cellWidth + Gap;
                for (int x = 0; x < data.Width * zoom; x++)
                {
                    int p = y / zoom * data.Width + x / zoom;
                    colours[at + x] = data.Channels == 3 ? new SKColor(pixels[p], pixels[plane + p], pixels[2 * plane + p]) : new SKColor(pixels[p], pixels[p], pixels[p]);
                }
            }
        }

        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Pixels = colours;
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
