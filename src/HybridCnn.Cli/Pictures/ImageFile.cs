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
        using SKBitmap picture = Decode(path);
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

        byte[] pixels = ToPlanes(scaled.Pixels, channels);
        bool inverted = invert ?? (channels == 1 && BorderMean(pixels, height, width) > 127);
        if (inverted)
        {
            for (int i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)(255 - pixels[i]);
        }

        return new ImageFile(pixels, inverted);
    }

    private static SKBitmap Decode(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw UserErrorException.BadData($"{path} cannot be read: {e.Message}", "Check the path.", e);
        }

        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec? codec = SKCodec.Create(data);
        return (codec is null ? null : SKBitmap.Decode(codec))
            ?? throw UserErrorException.BadData($"{path} ({bytes.Length:#,0} bytes) is not a picture that can be read.", "Give a PNG, JPEG, WebP, BMP or GIF file that other programs can open.");
    }

    /// <summary>What lies behind transparent parts and beside a picture that is not square: the opposite of what is drawn, or the corner's colour.</summary>
    private static SKColor Ground(SKBitmap picture)
    {
        SKColor[] pixels = picture.Pixels;
        if (pixels.All(p => p.Alpha == 255))
            return pixels[0];
        double drawn = pixels.Sum(p => Grey(p) * (double)p.Alpha) / Math.Max(1, pixels.Sum(p => (double)p.Alpha));
        return drawn > 127 ? SKColors.Black : SKColors.White;
    }

    private static byte[] ToPlanes(SKColor[] colours, int channels)
    {
        var planes = new byte[channels * colours.Length];
        for (int i = 0; i < colours.Length; i++)
        {
            if (channels == 1)
            {
                planes[i] = Grey(colours[i]);
                continue;
            }

            planes[i] = colours[i].Red;
            planes[colours.Length + i] = colours[i].Green;
            planes[2 * colours.Length + i] = colours[i].Blue;
        }

        return planes;
    }

    // Luma as in ITU-R BT.601.
    private static byte Grey(SKColor c) => (byte)((299 * c.Red + 587 * c.Green + 114 * c.Blue + 500) / 1000);

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
