using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>
/// The small residual network that led DAWNBench's CIFAR-10 contest: convolutions of 64, 128, 256 and 512 channels, with residual pairs behind the second and the fourth. Parameters:
/// "prep.conv.weight", "layer1.residual.res1.conv.weight", "linear.weight". Source: Page, How to Train Your ResNet, 2018; the logits are not scaled by 1/8 here, and convolutions have
/// PyTorch's initial weights, as there.
/// </summary>
public static class ResNet9
{
    private const int Minimum = 8;

    /// <summary>[N, C, H, W] → [N, classes].</summary>
    /// <param name="channels">C.</param>
    /// <param name="height">H, at least 8.</param>
    /// <param name="width">W, at least 8.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value that makes no such network; the message names it.</exception>
    public static Graph Create(int channels, int height, int width, int classes, SeededRandom random)
    {
        ImageSize.Check(channels, height, width, classes, Minimum, nameof(ResNet9));
        ArgumentNullException.ThrowIfNull(random);
        var graph = new Graph();
        graph.Add("prep", ConvNormRelu(channels, 64, random));
        graph.Add("layer1", Stage(64, 128, isResidual: true, random));
        graph.Add("layer2", Stage(128, 256, isResidual: false, random));
        graph.Add("layer3", Stage(256, 512, isResidual: true, random));
        graph.Add("pool", new GlobalMaxPool2d());
        graph.Add("flatten", new Flatten());
        graph.Add("linear", new Linear(512, classes, bias: false, random: random));
        return graph;
    }

    private static Graph Stage(int inChannels, int outChannels, bool isResidual, SeededRandom random)
    {
        Graph stage = ConvNormRelu(inChannels, outChannels, random);
        string pool = stage.Add("pool", new MaxPool2d(2));
        if (!isResidual)
            return stage;
        var pair = new Graph();
        pair.Add("res1", ConvNormRelu(outChannels, outChannels, random));
        string body = pair.Add("res2", ConvNormRelu(outChannels, outChannels, random));
        pair.Sum("sum", body, Graph.Input);
        stage.Add("residual", pair, pool);
        return stage;
    }

    private static Graph ConvNormRelu(int inChannels, int outChannels, SeededRandom random)
    {
        var graph = new Graph();
        graph.Add("conv", new Conv2d(inChannels, outChannels, 3, padding: 1, bias: false, random: random));
        graph.Add("bn", new BatchNorm2d(outChannels));
        graph.Add("relu", new ReLU());
        return graph;
    }
}
