using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>
/// VGG: convolutions 3x3 of 64 to 512 channels, max pooling between, twice 4,096 hidden units. Parameters: "features.0.weight", "classifier.6.bias".
/// Source: Simonyan, Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, configurations A and D.
/// </summary>
public static class Vgg
{
    /// <summary>Of the classifier: what the features end in, and its hidden units.</summary>
    internal const int Inputs = 512 * 7 * 7, Hidden = 4096;

    private const int Minimum = 32;

    // Channels of a convolution; 0 is max pooling.
    private static readonly int[] s_a = [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0];
    private static readonly int[] s_d = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0];

    /// <summary>
    /// [N, C, H, W] → [N, classes]. Starts as PyTorch's: convolutions after He et al., 2015, by their fan out, which needs none of the paper's training of shallower
    /// networks first; fully connected weights normal with the paper's deviation 0.01; biases 0.
    /// </summary>
    /// <param name="depth">Layers with weights: 11 or 16.</param>
    /// <param name="batchNormalization">Whether there is one behind each convolution.</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H, at least 32.</param>
    /// <param name="width">W, at least 32.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <param name="dropout">Share of the hidden units that are left out in training.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value that makes no such network; the message names it.</exception>
    public static Graph Create(
        int depth, bool batchNormalization, int channels, int height, int width, int classes, SeededRandom random, double dropout = 0.5) =>
        Create(depth, batchNormalization, channels, height, width, classes, random, dropout, Hidden);

    // With fewer hidden units, which hold nine tenths of all parameters.
    internal static Graph Create(
        int depth, bool batchNormalization, int channels, int height, int width, int classes, SeededRandom random, double dropout, int hidden)
    {
        int[] configuration = depth switch
        {
            11 => s_a,
            16 => s_d,
            _ => throw new ArgumentOutOfRangeException(nameof(depth), depth, "Vgg has 11 or 16 layers."),
        };
        ImageSize.Check(channels, height, width, classes, Minimum, $"VGG-{depth}{(batchNormalization ? " with batch normalization" : "")}");
        ArgumentNullException.ThrowIfNull(random);
        var features = new Sequential([.. Features(configuration, batchNormalization, channels, random)]);
        var classifier = new Sequential(
            new Linear(Inputs, hidden, random: random),
            new ReLU(),
            new Dropout(dropout, random),
            new Linear(hidden, hidden, random: random),
            new ReLU(),
            new Dropout(dropout, random),
            new Linear(hidden, classes, random: random));
        features.Initialize(Initializer.HeNormal(fanOut: true), random);
        classifier.Initialize(Initializer.Normal(0.01), random);
        var graph = new Graph();
        graph.Add("features", features);
        graph.Add("avgpool", new AdaptiveAveragePool2d(7));
        graph.Add("flatten", new Flatten());
        graph.Add("classifier", classifier);
        return graph;
    }

    private static IEnumerable<Layer> Features(int[] configuration, bool batchNormalization, int channels, SeededRandom random)
    {
        foreach (int outChannels in configuration)
        {
            if (outChannels == 0)
            {
                yield return new MaxPool2d(2);
                continue;
            }

            // With a bias even before a normalization, which takes it away again: so are PyTorch's files.
            yield return new Conv2d(channels, outChannels, 3, padding: 1, random: random);
            if (batchNormalization)
                yield return new BatchNorm2d(outChannels);
            yield return new ReLU();
            channels = outChannels;
        }
    }
}
