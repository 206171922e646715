namespace HybridCnn.Models;

/// <summary>What every network asks of the images that it is built for.</summary>
internal static class ImageSize
{
    /// <exception cref="ArgumentOutOfRangeException">The message names the value that is out of range.</exception>
    public static void Check(int channels, int height, int width, int classes, int minimum, string network)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        RequireAtLeast(height, nameof(height));
        RequireAtLeast(width, nameof(width));
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        // Beyond it the first activation of a single image has no buffer, and the features overflow.
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)height * width, Array.MaxLength / 64, nameof(height));

        void RequireAtLeast(int extent, string name)
        {
            if (extent < minimum)
                throw new ArgumentOutOfRangeException(name, extent, $"{network} takes images of at least {minimum}x{minimum}.");
        }
    }
}
