using SkiaSharp;

namespace HybridCnn.Cli.Pictures;

/// <summary>A picture from a file, made into a network's input.</summary>
/// <param name="Pixels">[C, H, W].</param>
/// <param name="Inverted">Whether bright and dark were exchanged.</param>
internal sealed record ImageFile(byte[] Pixels, bool Inverted)
{
    /// <summary>Decodes, scales into the middle of [H, W] keeping its proportions, and makes it grey or red, green, blue.</summary>
    /// <param name="path">PNG, JPEG, WebP, BMP or GIF.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="height">Rows of the network's input.</param>
    /// <param name="width">Columns of the network's input.</param>
    /// <param name="invert">null: when the ground is bright and the input is grey.</param>
    public static ImageFile Load(string path, int channels, int height, int width, bool? invert)
    {
        using SKBitmap picture = PictureFile.Open(path);
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul);
        using SKSurface surface = SKSurface.Create(info);
        surface.Canvas.Clear(Ground(picture));
        float scale = Math.Min((float)width / picture.Width, (float)height / picture.Height);
        SKRect middle = SKRect.Create((width - picture.Width * scale) / 2, (height - picture.Height * scale) / 2, picture.Width * scale, picture.Height * scale);
        using SKImage image = SKImage.FromBitmap(picture);
        // Mipmaps average over all pixels of a large picture; linear filtering alone would skip most of them.
        surface.Canvas.DrawImage(image, middle, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        using var scaled = new SKBitmap(info);
        surface.ReadPixels(info, scaled.GetPixels(), scaled.RowBytes, 0, 0);

        byte[] pixels = PictureFile.ToPlanes(scaled.Pixels, channels);
        bool inverted = invert ?? (channels == 1 && BorderMean(pixels, height, width) > 127);
        if (inverted)
        {
            for (int i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)(255 - pixels[i]);
        }

        return new ImageFile(pixels, inverted);
    }

    /// <summary>What lies behind transparent parts and beside a picture that is not square: the opposite of what is drawn, or the corner's colour.</summary>
    private static SKColor Ground(SKBitmap picture)
    {
        SKColor[] pixels = picture.Pixels;
        if (pixels.All(p => p.Alpha == 255))
            return pixels[0];
        double drawn = pixels.Sum(p => PictureFile.Grey(p) * (double)p.Alpha) / Math.Max(1, pixels.Sum(p => (double)p.Alpha));
        return drawn > 127 ? SKColors.Black : SKColors.White;
    }

    private static double BorderMean(byte[] grey, int height, int width)
    {
        long sum = 0;
        int count = 0;
        for (int i = 0; i < grey.Length; i++)
        {
            int row = i / width, column = i % width;
            if (row > 0 && row < height - 1 && column > 0 && column < width - 1)
                continue;
            sum += grey[i];
            count++;
        }

        return (double)sum / count;
    }
}
