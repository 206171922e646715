using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>
/// Residual networks for images of ImageNet's size. Parameters: "conv1.weight", "layer1.0.bn1.running_mean", "layer2.0.downsample.0.weight", "fc.bias".
/// Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015, table 1.
/// </summary>
public static class ResNet
{
    private const int Minimum = 16;

    /// <summary>
    /// [N, C, H, W] → [N, classes]. Convolutions start after He et al., 2015, by their fan out, as PyTorch's do; the last layer with PyTorch's default.
    /// </summary>
    /// <param name="depth">Layers with weights: 18, 34 (basic blocks) or 50 (bottlenecks, with the stride in the convolution 3x3).</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H, at least 16.</param>
    /// <param name="width">W, at least 16.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value that makes no such network; the message names it.</exception>
    public static Graph Create(int depth, int channels, int height, int width, int classes, SeededRandom random)
    {
        int[] blocks = depth switch
        {
            18 => [2, 2, 2, 2],
            34 or 50 => [3, 4, 6, 3],
            _ => throw new ArgumentOutOfRangeException(nameof(depth), depth, "ResNet has 18, 34 or 50 layers."),
        };
        ImageSize.Check(channels, height, width, classes, Minimum, nameof(ResNet));
        ArgumentNullException.ThrowIfNull(random);
        bool isDeep = depth == 50;
        var graph = new Graph();
        graph.Add("conv1", new Conv2d(channels, 64, 7, stride: 2, padding: 3, bias: false, random: random));
        graph.Add("bn1", new BatchNorm2d(64));
        graph.Add("relu", new ReLU());
        graph.Add("maxpool", new MaxPool2d(3, stride: 2, padding: 1));
        int inChannels = 64;
        for (int stage = 0; stage < blocks.Length; stage++)
        {
            int planes = 64 << stage, outChannels = isDeep ? 4 * planes : planes, first = inChannels;
            graph.Add($"layer{stage + 1}", new Sequential([.. Enumerable.Range(0, blocks[stage]).Select(block =>
                Block(isDeep, block == 0 ? first : outChannels, planes, outChannels, block == 0 && stage > 0 ? 2 : 1, random))]));
            inChannels = outChannels;
        }

        graph.Initialize(Initializer.HeNormal(fanOut: true), random);
        graph.Add("avgpool", new GlobalAveragePool2d());
        graph.Add("flatten", new Flatten());
        graph.Add("fc", new Linear(inChannels, classes, random: random));
        return graph;
    }

    private static Graph Block(bool isDeep, int inChannels, int width, int outChannels, int stride, SeededRandom random)
    {
        // Option B of the paper: a projection where the shape changes.
        Sequential? downsample = stride == 1 && inChannels == outChannels
            ? null
            : new Sequential(new Conv2d(inChannels, outChannels, 1, stride, bias: false, random: random), new BatchNorm2d(outChannels));
        return isDeep
            ? ResidualBlock.Bottleneck(inChannels, width, outChannels, stride, downsample, random)
            : ResidualBlock.Basic(inChannels, outChannels, stride, downsample, random);
    }
}
