namespace HybridCnn.Tests.Support;

/// <summary>Arrays in the other memory order, element by element.</summary>
internal static class NhwcOrder
{
    /// <summary>[N, C, area] as [N, area, C]. With channels and area exchanged, the way back.</summary>
    public static T[] FromNchw<T>(ReadOnlySpan<T> values, int channels, int area)
    {
        var result = new T[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int image = i / (channels * area), channel = i / area % channels, pixel = i % area;
            result[(image * area + pixel) * channels + channel] = values[i];
        }

        return result;
    }
}
