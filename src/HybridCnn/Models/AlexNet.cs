using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>
/// AlexNet in the form for one processor that PyTorch has: five convolutions of 64, 192, 384, 256 and 256 channels, twice 4,096 hidden units. Parameters:
/// "features.0.weight", "classifier.6.bias". Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014.
/// </summary>
public static class AlexNet
{
    private const int Minimum = 63;

    /// <summary>
    /// [N, C, H, W] → [N, classes]. Starts as in Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012: weights normal
    /// with deviation 0.01, biases 1 in the second, fourth and fifth convolution and before the hidden units, else 0.
    /// </summary>
    /// <param name="channels">C.</param>
    /// <param name="height">H, at least 63.</param>
    /// <param name="width">W, at least 63.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="random">Where the initial weights come from.</param>
    /// <param name="dropout">Share of the features and of the first hidden units that are left out in training.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value that makes no such network; the message names it.</exception>
    public static Graph Create(int channels, int height, int width, int classes, SeededRandom random, double dropout = 0.5)
    {
        ImageSize.Check(channels, height, width, classes, Minimum, nameof(AlexNet));
        ArgumentNullException.ThrowIfNull(random);
        var features = new Sequential(
            Start(new Conv2d(channels, 64, 11, stride: 4, padding: 2, random: random), bias: 0),
            new ReLU(),
            new MaxPool2d(3, stride: 2),
            Start(new Conv2d(64, 192, 5, padding: 2, random: random), bias: 1),
            new ReLU(),
            new MaxPool2d(3, stride: 2),
            Start(new Conv2d(192, 384, 3, padding: 1, random: random), bias: 0),
            new ReLU(),
            Start(new Conv2d(384, 256, 3, padding: 1, random: random), bias: 1),
            new ReLU(),
            Start(new Conv2d(256, 256, 3, padding: 1, random: random), bias: 1),
            new ReLU(),
            new MaxPool2d(3, stride: 2));
        var classifier = new Sequential(
            new Dropout(dropout, random),
            Start(new Linear(256 * 6 * 6, 4096, random: random), bias: 1),
            new ReLU(),
            new Dropout(dropout, random),
            Start(new Linear(4096, 4096, random: random), bias: 1),
            new ReLU(),
            Start(new Linear(4096, classes, random: random), bias: 0));
        var graph = new Graph();
        graph.Add("features", features);
        graph.Add("avgpool", new AdaptiveAveragePool2d(6));
        graph.Add("flatten", new Flatten());
        graph.Add("classifier", classifier);
        return graph;

        Layer Start(Layer layer, float bias)
        {
            layer.Initialize(Initializer.Normal(0.01), random, Initializer.Constant(bias));
            return layer;
        }
    }
}
