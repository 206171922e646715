using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>A layer, or a sum or concatenation, at its place in a network that is bound to a shape.</summary>
/// <param name="Name">The full name: "layer1.0.conv1"; "-" for a change of the memory order that the network puts in.</param>
/// <param name="Kind">"Conv2d", with the ReLU that it takes in: "BatchNorm2d+ReLU"; "Sum".</param>
/// <param name="Output">The shape of y.</param>
/// <param name="Parameters">How many numbers training changes here.</param>
/// <param name="Flops">Multiplications and additions of a forward pass, where they are sums of products: convolutions and fully connected layers; else 0.</param>
/// <param name="OutputBytes">Memory that y takes by itself; 0 where it is the input under another name.</param>
/// <param name="Plan">How a convolution computes its passes; null for any other layer.</param>
public sealed record LayerSummary(
    string Name, string Kind, Shape Output, long Parameters, long Flops, long OutputBytes, ConvolutionPlan? Plan);
