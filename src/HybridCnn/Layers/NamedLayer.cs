namespace HybridCnn.Layers;

/// <summary>A layer under the name that it has in its container.</summary>
/// <param name="Name">PyTorch's: "0", "body".</param>
/// <param name="Layer">The layer.</param>
public readonly record struct NamedLayer(string Name, Layer Layer);
