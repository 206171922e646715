using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>Networks by name, with the seeded initial weights of PyTorch's defaults.</summary>
public static class ModelCatalog
{
    /// <summary>What <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["lenet", "lenet5", "vgg-cifar"];

    /// <summary>Builds a network for images of one size.</summary>
    /// <param name="name">One of <see cref="Names"/>; case doesn't matter.</param>
    /// <param name="channels">C of the images.</param>
    /// <param name="height">H of the images.</param>
    /// <param name="width">W of the images.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    /// <exception cref="ArgumentException">No such name, or images too small for the network.</exception>
    public static Sequential Create(string name, int channels, int height, int width, int classes, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(name);
        var random = new SeededRandom(seed);
        return name.ToLowerInvariant() switch
        {
            "lenet" => LeNet(channels, height, width, classes, random),
            "lenet5" => LeNet5(channels, height, width, classes, random),
            "vgg-cifar" => VggCifar(channels, height, width, classes, random),
            _ => throw new ArgumentException($"No model is named \"{name}\"; known: {string.Join(", ", Names)}.", nameof(name)),
        };
    }

    /// <summary>
    /// LeNet as in Caffe's MNIST example (Jia et al., Caffe, 2014): convolution 5x5 to 20 channels, max pooling, convolution
    /// 5x5 to 50, max pooling, 500 hidden units. [N, C, H, W] → [N, classes].
    /// </summary>
    /// <inheritdoc cref="Create"/>
    public static Sequential LeNet(int channels, int height, int width, int classes, SeededRandom random)
    {
        CheckImage(channels, height, width, classes, minimum: 16);
        ArgumentNullException.ThrowIfNull(random);
        int features = 50 * HalvedTwice(height - 4) * HalvedTwice(width - 4);
        return new Sequential(
            new Conv2d(channels, 20, 5, random: random),
            new MaxPool2d(2),
            new Conv2d(20, 50, 5, random: random),
            new MaxPool2d(2),
            new Flatten(),
            new Linear(features, 500, random: random),
            new ReLU(),
            new Linear(500, classes, random: random));
    }

    /// <summary>
    /// LeNet-5 (LeCun et al., Gradient-based learning applied to document recognition, 1998) with rectified units and max
    /// pooling: convolutions 5x5 to 6 (padded) and 16 channels, 120 and 84 hidden units. [N, C, H, W] → [N, classes].
    /// </summary>
    /// <inheritdoc cref="Create"/>
    public static Sequential LeNet5(int channels, int height, int width, int classes, SeededRandom random)
    {
        CheckImage(channels, height, width, classes, minimum: 12);
        ArgumentNullException.ThrowIfNull(random);
        int features = 16 * HalvedTwice(height) * HalvedTwice(width);
        return new Sequential(
            new Conv2d(channels, 6, 5, padding: 2, random: random),
            new ReLU(),
            new MaxPool2d(2),
            new Conv2d(6, 16, 5, random: random),
            new ReLU(),
            new MaxPool2d(2),
            new Flatten(),
            new Linear(features, 120, random: random),
            new ReLU(),
            new Linear(120, 84, random: random),
            new ReLU(),
            new Linear(84, classes, random: random));
    }

    /// <summary>
    /// Six convolutions 3x3 in the manner of VGG (Simonyan and Zisserman, Very deep convolutional networks, 2014), for small
    /// pictures: twice 64, 128 and 256 channels, each with batch normalization and ReLU, each pair followed by max pooling, then
    /// 512 hidden units. [N, C, H, W] → [N, classes].
    /// </summary>
    /// <inheritdoc cref="Create"/>
    public static Sequential VggCifar(int channels, int height, int width, int classes, SeededRandom random)
    {
        CheckImage(channels, height, width, classes, minimum: 8);
        ArgumentNullException.ThrowIfNull(random);
        return new Sequential(
        [
            .. VggBlock(channels, 64, random),
            .. VggBlock(64, 128, random),
            .. VggBlock(128, 256, random),
            new Flatten(),
            new Linear(256 * (height / 8) * (width / 8), 512, random: random),
            new ReLU(),
            new Linear(512, classes, random: random),
        ]);
    }

    // The normalization takes any bias away again.
    private static Layer[] VggBlock(int inChannels, int outChannels, SeededRandom random) =>
    [
        new Conv2d(inChannels, outChannels, 3, padding: 1, bias: false, random: random),
        new BatchNorm2d(outChannels),
        new ReLU(),
        new Conv2d(outChannels, outChannels, 3, padding: 1, bias: false, random: random),
        new BatchNorm2d(outChannels),
        new ReLU(),
        new MaxPool2d(2),
    ];

    // Halved by pooling, less four for the second convolution, halved again.
    private static int HalvedTwice(int extent) => (extent / 2 - 4) / 2;

    private static void CheckImage(int channels, int height, int width, int classes, int minimum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, minimum);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, minimum);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        // Beyond it the first activation of a single image has no buffer, and the features overflow.
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)height * width, Array.MaxLength / 64, nameof(height));
    }
}
