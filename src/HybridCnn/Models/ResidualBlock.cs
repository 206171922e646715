using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>The two blocks of residual networks, with PyTorch's names of their parameters ("conv1.weight", "downsample.0.weight").</summary>
internal static class ResidualBlock
{
    /// <summary>Two convolutions 3x3, the first with the stride.</summary>
    /// <param name="inChannels">C of x.</param>
    /// <param name="outChannels">C of y.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="downsample">The short way; null for x itself.</param>
    /// <param name="random">Where the initial weights come from.</param>
    public static Graph Basic(int inChannels, int outChannels, int stride, Layer? downsample, SeededRandom random)
    {
        var block = new Graph();
        block.Add("conv1", new Conv2d(inChannels, outChannels, 3, stride, padding: 1, bias: false, random: random));
        block.Add("bn1", new BatchNorm2d(outChannels));
        block.Add("relu1", new ReLU());
        block.Add("conv2", new Conv2d(outChannels, outChannels, 3, padding: 1, bias: false, random: random));
        return End(block, block.Add("bn2", new BatchNorm2d(outChannels)), downsample);
    }

    /// <summary>
    /// Convolutions 1x1 to <paramref name="width"/> channels, 3x3 with the stride, 1x1 to <paramref name="outChannels"/>. The paper has the stride in the first one; PyTorch's place
    /// for it is the more accurate (ResNet V1.5).
    /// </summary>
    public static Graph Bottleneck(int inChannels, int width, int outChannels, int stride, Layer? downsample, SeededRandom random)
    {
        var block = new Graph();
        block.Add("conv1", new Conv2d(inChannels, width, 1, bias: false, random: random));
        block.Add("bn1", new BatchNorm2d(width));
        block.Add("relu1", new ReLU());
        block.Add("conv2", new Conv2d(width, width, 3, stride, padding: 1, bias: false, random: random));
        block.Add("bn2", new BatchNorm2d(width));
        block.Add("relu2", new ReLU());
        block.Add("conv3", new Conv2d(width, outChannels, 1, bias: false, random: random));
        return End(block, block.Add("bn3", new BatchNorm2d(outChannels)), downsample);
    }

    private static Graph End(Graph block, string body, Layer? downsample)
    {
        string shortcut = downsample is null ? Graph.Input : block.Add("downsample", downsample, Graph.Input);
        block.Sum("sum", body, shortcut);
        block.Add("relu", new ReLU());
        return block;
    }
}
