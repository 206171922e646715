using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>The networks that are compared, for images of the size that they were published for.</summary>
internal static class OurNetwork
{
    public static (Network Network, Shape Image, int Classes) Create(string name)
    {
        (Shape image, int classes) = ModelCatalog.UsualImages(name);
        Network network = name == "mobilenetv2"
            // Without dropout, as the peer's random numbers are others.
            ? MobileNetV2.Create(image[0], image[1], image[2], classes, new SeededRandom(1), dropout: 0)
            : ModelCatalog.Create(name, image[0], image[1], image[2], classes, seed: 1);
        return (network, image, classes);
    }

    /// <summary>What the convolutions run in the forward pass, and how many of them.</summary>
    public static string Algorithms(Network network) => string.Join("; ", network.Summarize().Layers
        .Where(layer => layer.Plan is not null).GroupBy(layer => layer.Plan!.Algorithm(ConvolutionPass.Forward)).Select(same => $"{same.Count()} {same.Key}"));
}
