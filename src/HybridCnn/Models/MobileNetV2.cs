using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>
/// MobileNetV2: 17 inverted residuals, each a convolution 1x1 to more channels, a depthwise one 3x3, and one 1x1 to few channels without a ReLU. Parameters:
/// "features.0.0.weight", "features.2.conv.1.0.weight", "classifier.1.bias".
/// Source: Sandler, Howard, Zhu, Zhmoginov, Chen, MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018, table 2.
/// </summary>
public static class MobileNetV2
{
    private const int Minimum = 16;
    private const int LastChannels = 1280;

    // Expansion, channels, blocks, stride of the first.
    private static readonly (int Expansion, int Channels, int Blocks, int Stride)[] s_stages =
    [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ];

    /// <summary>
    /// [N, C, H, W] → [N, classes]. Starts as PyTorch's, as the paper doesn't say: convolutions after He et al., 2015, by their fan out, the last layer normal with
    /// deviation 0.01.
    /// </summary>
    /// <param name="channels">C.</param>
    /// <param name="height">H, at least 16.</param>
    /// <param name="width">W, at least 16.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <param name="dropout">Share of the last features that is left out in training.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value that makes no such network; the message names it.</exception>
    public static Graph Create(int channels, int height, int width, int classes, SeededRandom random, double dropout = 0.2)
    {
        ImageSize.Check(channels, height, width, classes, Minimum, nameof(MobileNetV2));
        ArgumentNullException.ThrowIfNull(random);
        int inChannels = 32;
        List<Layer> features = [ConvNormRelu(channels, inChannels, 3, 2, 1, random)];
        foreach ((int expansion, int outChannels, int blocks, int stride) in s_stages)
        {
            for (int block = 0; block < blocks; block++)
            {
                features.Add(InvertedResidual(inChannels, outChannels, expansion, block == 0 ? stride : 1, random));
                inChannels = outChannels;
            }
        }

        features.Add(ConvNormRelu(inChannels, LastChannels, 1, 1, 1, random));
        var graph = new Graph();
        graph.Add("features", new Sequential([.. features]));
        graph.Initialize(Initializer.HeNormal(fanOut: true), random);
        graph.Add("avgpool", new GlobalAveragePool2d());
        graph.Add("flatten", new Flatten());
        var classifier = new Sequential(new Dropout(dropout, random), new Linear(LastChannels, classes, random: random));
        classifier.Initialize(Initializer.Normal(0.01), random);
        graph.Add("classifier", classifier);
        return graph;
    }

    private static Graph InvertedResidual(int inChannels, int outChannels, int expansion, int stride, SeededRandom random)
    {
        int hidden = inChannels * expansion;
        var block = new Graph();
        string body = block.Add("conv", new Sequential(
        [
            .. expansion == 1 ? Array.Empty<Layer>() : [ConvNormRelu(inChannels, hidden, 1, 1, 1, random)],
            ConvNormRelu(hidden, hidden, 3, stride, hidden, random),
            new Conv2d(hidden, outChannels, 1, bias: false, random: random),
            new BatchNorm2d(outChannels),
        ]));
        if (stride == 1 && inChannels == outChannels)
            block.Sum("sum", body, Graph.Input);
        return block;
    }

    private static Sequential ConvNormRelu(int inChannels, int outChannels, int kernelSize, int stride, int groups, SeededRandom random) => new(
        new Conv2d(inChannels, outChannels, kernelSize, stride, padding: kernelSize / 2, groups: groups, bias: false, random: random),
        new BatchNorm2d(outChannels),
        new ReLU6());
}
