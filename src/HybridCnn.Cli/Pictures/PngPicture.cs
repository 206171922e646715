using SkiaSharp;

namespace HybridCnn.Cli.Pictures;

/// <summary>Small pictures as data URIs, for a report that needs no other file.</summary>
internal static class PngPicture
{
    /// <summary>An image of bytes [C, H, W]: one channel as grey, three as red, green and blue.</summary>
    public static string FromImage(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        int plane = height * width;
        var colours = new SKColor[plane];
        for (int i = 0; i < plane; i++)
        {
            colours[i] = channels == 3
                ? new SKColor(pixels[i], pixels[plane + i], pixels[2 * plane + i])
                : new SKColor(pixels[i], pixels[i], pixels[i]);
        }

        return Encode(colours, height, width);
    }

    /// <summary>Weights [H, W] from blue (-<paramref name="scale"/>) through white (0) to red (<paramref name="scale"/>).</summary>
    public static string FromWeights(ReadOnlySpan<float> weights, int height, int width, float scale)
    {
        var colours = new SKColor[height * width];
        for (int i = 0; i < colours.Length; i++)
            colours[i] = Diverging(scale > 0 ? Math.Clamp(weights[i] / scale, -1, 1) : 0);
        return Encode(colours, height, width);
    }

    // Ends of the two arms: ColorBrewer's RdBu, which people who see no red or no green can still tell apart.
    private static SKColor Diverging(float value)
    {
        (int red, int green, int blue) = value < 0 ? (33, 102, 172) : (178, 24, 43);
        float strength = Math.Abs(value);
        return new SKColor(Mix(red), Mix(green), Mix(blue));

        byte Mix(int end) => (byte)MathF.Round(247 + (end - 247) * strength);
    }

    private static string Encode(SKColor[] colours, int height, int width)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Pixels = colours;
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return $"data:image/png;base64,{Convert.ToBase64String(png.AsSpan())}";
    }
}
