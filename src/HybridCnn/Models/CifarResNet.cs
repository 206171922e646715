using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>
/// Residual networks for small images: three stages of 16, 32 and 64 channels, and shortcuts without parameters (option A: every second pixel, and zeros for the new
/// channels). Parameters: "conv1.weight", "layer1.0.conv1.weight", "linear.bias".
/// Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015, section 4.2.
/// </summary>
public static class CifarResNet
{
    private const int Minimum = 8;

    /// <summary>[N, C, H, W] → [N, classes]. All weights start after He et al., 2015, by their fan in, biases with 0.</summary>
    /// <param name="depth">Layers with weights, 6n + 2: 20, 32, 44, 56, 110.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H, at least 8.</param>
    /// <param name="width">W, at least 8.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value that makes no such network; the message names it.</exception>
    public static Graph Create(int depth, int channels, int height, int width, int classes, SeededRandom random)
    {
        if (depth < 8 || depth % 6 != 2)
            throw new ArgumentOutOfRangeException(nameof(depth), depth, "CifarResNet has 6n + 2 layers: 8, 14, 20, 32, ….");
        ImageSize.Check(channels, height, width, classes, Minimum, nameof(CifarResNet));
        ArgumentNullException.ThrowIfNull(random);
        var graph = new Graph();
        graph.Add("conv1", new Conv2d(channels, 16, 3, padding: 1, bias: false, random: random));
        graph.Add("bn1", new BatchNorm2d(16));
        graph.Add("relu", new ReLU());
        for (int stage = 0; stage < 3; stage++)
            graph.Add($"layer{stage + 1}", new Sequential([.. Stage(16 << stage, depth / 6, narrows: stage > 0, random)]));
        graph.Add("avgpool", new GlobalAveragePool2d());
        graph.Add("flatten", new Flatten());
        graph.Add("linear", new Linear(64, classes, random: random));
        graph.Initialize(Initializer.HeNormal(), random);
        return graph;
    }

    private static IEnumerable<Layer> Stage(int channels, int blocks, bool narrows, SeededRandom random)
    {
        for (int block = 0; block < blocks; block++)
        {
            if (block > 0 || !narrows)
                yield return ResidualBlock.Basic(channels, channels, stride: 1, downsample: null, random);
            else
                yield return ResidualBlock.Basic(channels / 2, channels, stride: 2, OptionA(channels), random);
        }
    }

    private static Sequential OptionA(int channels) => new(new AveragePool2d(1, stride: 2), new ZeroPadChannels(channels / 4, channels / 4));
}
