using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>A parameter under the name that it has in the whole network.</summary>
/// <param name="Name">PyTorch's: "0.weight".</param>
/// <param name="Parameter">The parameter.</param>
public readonly record struct NamedParameter(string Name, Parameter Parameter);
