using HybridCnn.IO;
using SkiaSharp;

namespace HybridCnn.Cli.Pictures;

/// <summary>Picture files as pixels.</summary>
internal static class PictureFile
{
    /// <summary>Decodes a file: PNG, JPEG, WebP, BMP or GIF.</summary>
    /// <exception cref="DataFormatException">It can't be read, or not to its end.</exception>
    public static SKBitmap Open(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"{path} cannot be read: {e.Message}", e);
        }

        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec? codec = SKCodec.Create(data);
        if (codec is null)
            throw new DataFormatException($"{path} ({bytes.Length:#,0} bytes) is no picture that can be read: no PNG, JPEG, WebP, BMP or GIF.");
        var bitmap = new SKBitmap(codec.Info);
        // A cut file decodes to a picture whose rest is blank, which nobody wants to learn from.
        if (codec.GetPixels(codec.Info, bitmap.GetPixels()) is var result and not SKCodecResult.Success)
        {
            bitmap.Dispose();
            throw new DataFormatException($"{path} ({bytes.Length:#,0} bytes) can't be decoded to its end: {result}.");
        }

        return bitmap;
    }

    /// <summary>Colours as planes [C, H, W] of bytes: grey, or red, green, blue.</summary>
    public static byte[] ToPlanes(SKColor[] colours, int channels)
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

    /// <summary>Luma as in ITU-R BT.601.</summary>
    public static byte Grey(SKColor c) => (byte)((299 * c.Red + 587 * c.Green + 114 * c.Blue + 500) / 1000);
}
