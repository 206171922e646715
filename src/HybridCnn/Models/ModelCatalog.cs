using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Models;

/// <summary>Networks by name, with seeded initial weights: those of their papers, or PyTorch's defaults where no family of networks says otherwise.</summary>
public static class ModelCatalog
{
    private const int CifarSize = 32, ImageNetSize = 224;

    private static readonly Entry[] s_entries =
    [
        new("lenet", 1, 28, 10, LeNet),
        new("lenet5", 1, 28, 10, LeNet5),
        new("vgg-cifar", 3, CifarSize, 10, VggCifar),
        new("resnet9", 3, CifarSize, 10, ResNet9.Create),
        new("resnet20", 3, CifarSize, 10, (c, h, w, k, random) => CifarResNet.Create(20, c, h, w, k, random)),
        new("resnet18", 3, ImageNetSize, 1000, (c, h, w, k, random) => ResNet.Create(18, c, h, w, k, random)),
        new("resnet34", 3, ImageNetSize, 1000, (c, h, w, k, random) => ResNet.Create(34, c, h, w, k, random)),
        new("resnet50", 3, ImageNetSize, 1000, (c, h, w, k, random) => ResNet.Create(50, c, h, w, k, random)),
        new("mobilenetv2", 3, ImageNetSize, 1000, (c, h, w, k, random) => MobileNetV2.Create(c, h, w, k, random)),
        new("alexnet", 3, ImageNetSize, 1000, (c, h, w, k, random) => AlexNet.Create(c, h, w, k, random)),
        new("vgg11", 3, ImageNetSize, 1000, (c, h, w, k, random) => Vgg.Create(11, false, c, h, w, k, random)),
        new("vgg11-bn", 3, ImageNetSize, 1000, (c, h, w, k, random) => Vgg.Create(11, true, c, h, w, k, random)),
        new("vgg16", 3, ImageNetSize, 1000, (c, h, w, k, random) => Vgg.Create(16, false, c, h, w, k, random)),
        new("vgg16-bn", 3, ImageNetSize, 1000, (c, h, w, k, random) => Vgg.Create(16, true, c, h, w, k, random)),
    ];

    /// <summary>What <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_entries.Select(entry => entry.Name)];

    /// <summary>Builds a network for images of one size.</summary>
    /// <param name="name">One of <see cref="Names"/>; case doesn't matter.</param>
    /// <param name="channels">C of the images.</param>
    /// <param name="height">H of the images.</param>
    /// <param name="width">W of the images.</param>
    /// <param name="classes">Number of logits per image.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    /// <exception cref="ArgumentException">No such name, or images too small for the network.</exception>
    public static Network Create(string name, int channels, int height, int width, int classes, ulong seed) =>
        Find(name).Create(channels, height, width, classes, new SeededRandom(seed));

    /// <summary>The images and classes that a network was published for.</summary>
    /// <param name="name">One of <see cref="Names"/>; case doesn't matter.</param>
    /// <returns>The shape of one image [C, H, W], and how many classes.</returns>
    /// <exception cref="ArgumentException">No such name.</exception>
    public static (Shape Image, int Classes) UsualImages(string name)
    {
        Entry entry = Find(name);
        return (new Shape(entry.Channels, entry.Size, entry.Size), entry.Classes);
    }

    /// <summary>
    /// LeNet as in Caffe's MNIST example (Jia et al., Caffe, 2014): convolution 5x5 to 20 channels, max pooling, convolution
    /// 5x5 to 50, max pooling, 500 hidden units. [N, C, H, W] → [N, classes].
    /// </summary>
    /// <inheritdoc cref="Create"/>
    public static Sequential LeNet(int channels, int height, int width, int classes, SeededRandom random)
    {
        ImageSize.Check(channels, height, width, classes, minimum: 16, nameof(LeNet));
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
        ImageSize.Check(channels, height, width, classes, minimum: 12, nameof(LeNet5));
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
        ImageSize.Check(channels, height, width, classes, minimum: 8, nameof(VggCifar));
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

    private static Entry Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Array.Find(s_entries, entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ArgumentException($"No model is named \"{name}\"; known: {string.Join(", ", Names)}.", nameof(name));
    }

    // With the images and classes that it was published for.
    private sealed record Entry(string Name, int Channels, int Size, int Classes, Func<int, int, int, int, SeededRandom, Network> Create);
}
