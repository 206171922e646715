using HybridCnn.Data;
using SkiaSharp;

namespace HybridCnn.Cli.Pictures;

/// <summary>Decodes pictures for training with SkiaSharp: an <see cref="ImageDecoder"/>.</summary>
internal static class PictureDecoder
{
    /// <summary>Decodes, scales so that the size is filled, cuts off what is beyond it at both ends alike. Transparent parts become white.</summary>
    public static DecodedImage Decode(string path, int channels, int height, int width)
    {
        using SKBitmap picture = PictureFile.Open(path);
        if (channels == 0)
            channels = picture.ColorType is SKColorType.Gray8 or SKColorType.Alpha8 ? 1 : 3;
        if (height == 0)
            (height, width) = (picture.Height, picture.Width);
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul);
        using SKSurface surface = SKSurface.Create(info);
        surface.Canvas.Clear(SKColors.White);
        using SKImage image = SKImage.FromBitmap(picture);
        if (height == picture.Height && width == picture.Width)
        {
            surface.Canvas.DrawImage(image, 0, 0, SKSamplingOptions.Default);
        }
        else
        {
            float scale = Math.Max((float)width / picture.Width, (float)height / picture.Height);
            SKRect middle = SKRect.Create((width - picture.Width * scale) / 2, (height - picture.Height * scale) / 2, picture.Width * scale, picture.Height * scale);
            // Mipmaps average over all pixels of a large picture; linear filtering alone would skip most of them.
            surface.Canvas.DrawImage(image, middle, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        }

        using var drawn = new SKBitmap(info);
        surface.ReadPixels(info, drawn.GetPixels(), drawn.RowBytes, 0, 0);
        return new DecodedImage(PictureFile.ToPlanes(drawn.Pixels, channels), channels, height, width);
    }
}
