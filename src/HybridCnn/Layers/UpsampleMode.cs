namespace HybridCnn.Layers;

/// <summary>What <see cref="Upsample"/> puts between the pixels.</summary>
public enum UpsampleMode
{
    /// <summary>The nearest pixel again.</summary>
    Nearest,

    /// <summary>The mean of the four nearest pixels, weighted by distance; pixels are squares, as in PyTorch without align_corners.</summary>
    Bilinear,
}
