using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>What range of floats becomes the bytes 0 to 255.</summary>
internal sealed record FloatRange(double Least, double Largest)
{
    private const double Steps = 255;

    /// <summary>Of training images: 0 to 1 where they lie in it, 0 to 255 likewise, else what they span. null for bytes.</summary>
    /// <exception cref="DataFormatException">A number that is not finite.</exception>
    public static FloatRange? Of(NpyArray images)
    {
        if (images.Values is byte[])
            return null;
        double least = double.PositiveInfinity, largest = double.NegativeInfinity;
        for (int i = 0; i < images.Values.Length; i++)
        {
            double value = At(images.Values, i);
            if (!double.IsFinite(value))
                throw new DataFormatException($"Element {i} of the images {images} is {value}.");
            (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
        }

        return least < 0 || largest > Steps ? new(least, largest) : largest <= 1 ? new(0, 1) : new(0, Steps);
    }

    /// <summary>Says what becomes of the floats.</summary>
    public void Tell(string file, LoadReport report) => report.Note(
        $"{file}: floats from {Least:0.####} to {Largest:0.####} are kept as bytes, in steps of {(Largest - Least) / Steps:0.######}.");

    /// <summary>The images as bytes; what lies beyond the range gets its nearest end.</summary>
    public static byte[] ToBytes(NpyArray images, FloatRange? range)
    {
        if (images.Values is byte[] bytes)
            return bytes;
        (double least, double largest) = range ?? new FloatRange(0, Steps);
        double scale = largest > least ? Steps / (largest - least) : 0;
        var pixels = new byte[images.Values.Length];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(Math.Clamp((At(images.Values, i) - least) * scale, 0, Steps) + 0.5);
        return pixels;
    }

    private static double At(Array values, int i) => values is float[] floats ? floats[i] : ((double[])values)[i];
}
