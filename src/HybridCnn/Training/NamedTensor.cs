using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>A tensor of a state.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tensor">The live one.</param>
public readonly record struct NamedTensor(string Name, Tensor Tensor);
