namespace HybridCnn.Kernels;

/// <summary>Some channels of all pixels of NHWC images.</summary>
internal static class ChannelSlice
{
    /// <summary>Clears <paramref name="channels"/> channels of pixels that have <paramref name="stride"/> of them.</summary>
    public static void Clear(Span<float> pixels, int stride, int firstChannel, int channels)
    {
        if (channels == stride)
        {
            pixels.Clear();
            return;
        }

        for (int at = firstChannel; at < pixels.Length; at += stride)
            pixels.Slice(at, channels).Clear();
    }
}
