using HybridCnn.Tensors;

namespace HybridCnn.Tests.Support;

/// <summary>Problems and arrays in the other memory order, element by element.</summary>
internal static class NhwcOrder
{
    /// <summary>The same problem with x and y in another layout.</summary>
    public static Conv2dDims In(this Conv2dDims d, Layout layout) => Conv2dDims.Create(
        d.N, d.IC, d.IH, d.IW, d.OC, d.KH, d.KW, d.StrideH, d.StrideW, d.PadTop, d.PadLeft, d.PadBottom, d.PadRight,
        d.DilationH, d.DilationW, d.Groups, layout);

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
