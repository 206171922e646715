using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

/// <summary>Every public layer, in the forms that the contract test runs.</summary>
internal static class LayerCatalog
{
    // What F(4x4, 3x3) promises, with any SGEMM.
    private const double WinogradRounding = 6e-6;

    private static readonly Entry[] s_entries =
    [
        new("Conv2d", random => new Conv2d(3, 4, 3, padding: 1, random: random), new(2, 3, 6, 5), new(2, 4, 6, 5)),
        new("Conv2d strided, grouped, without bias", random => new Conv2d(4, 6, 3, stride: 2, groups: 2, bias: false, random: random), new(3, 4, 7, 8), new(3, 6, 3, 3)),
        new("Conv2d in NHWC order", random => new Conv2d(3, 4, 3, padding: 1, random: random), new Shape(2, 3, 6, 5).In(Layout.Nhwc), new Shape(2, 4, 6, 5).In(Layout.Nhwc)),
        new("Conv2d by Winograd", random => new Conv2d(16, 16, 3, padding: 1, random: random), new Shape(1, 16, 6, 5).In(Layout.Nhwc), new Shape(1, 16, 6, 5).In(Layout.Nhwc), Rounding: WinogradRounding),
        new("Conv1d", random => new Conv1d(3, 4, 3, padding: 1, random: random), new(2, 3, 9), new(2, 4, 9)),
        new("Conv1d strided, dilated, grouped, without bias", random => new Conv1d(4, 6, 3, stride: 2, dilation: 2, groups: 2, bias: false, random: random), new(3, 4, 12), new(3, 6, 4)),
        new("ConvTranspose2d", random => new ConvTranspose2d(4, 3, 4, stride: 2, padding: 1, random: random), new(2, 4, 3, 4), new(2, 3, 6, 8)),
        new("ConvTranspose2d with output padding, grouped, without bias", random => new ConvTranspose2d(4, 6, 3, stride: 2, padding: 1, outputPadding: 1, groups: 2, bias: false, random: random), new(3, 4, 4, 3), new(3, 6, 8, 6)),
        new("ConvTranspose2d in NHWC order", random => new ConvTranspose2d(4, 3, 3, stride: 2, dilation: 2, random: random), new Shape(2, 4, 3, 2).In(Layout.Nhwc), new Shape(2, 3, 9, 7).In(Layout.Nhwc)),
        new("ConvTranspose2d by Winograd", random => new ConvTranspose2d(16, 16, 3, padding: 1, random: random), new Shape(1, 16, 6, 5).In(Layout.Nhwc), new Shape(1, 16, 6, 5).In(Layout.Nhwc), Rounding: WinogradRounding),
        new("LayoutChange", _ => new LayoutChange(Layout.Nhwc), new(2, 3, 4, 5), new Shape(2, 3, 4, 5).In(Layout.Nhwc)),
        new("LayoutChange back", _ => new LayoutChange(Layout.Nchw), new Shape(2, 3, 4, 5).In(Layout.Nhwc), new(2, 3, 4, 5)),
        new("Linear", random => new Linear(12, 5, random: random), new(3, 12), new(3, 5)),
        new("Linear on images, without bias", random => new Linear(12, 5, bias: false, random: random), new(3, 2, 3, 2), new(3, 5)),
        new("Linear on two threads", random => new Linear(130, 140, random: random), new(64, 130), new(64, 140)),
        new("BatchNorm2d", _ => new BatchNorm2d(3), new(4, 3, 5, 4), new(4, 3, 5, 4), SeesWholeBatch: true),
        new("GroupNorm", _ => new GroupNorm(2, 4), new(3, 4, 5, 4), new(3, 4, 5, 4), IsCurved: true),
        new("GroupNorm in NHWC order", _ => new GroupNorm(3, 6), new Shape(2, 6, 3, 4).In(Layout.Nhwc), new Shape(2, 6, 3, 4).In(Layout.Nhwc), IsCurved: true),
        new("GroupNorm of sequences, without weights", _ => new GroupNorm(1, 3, affine: false), new(2, 3, 9), new(2, 3, 9), IsCurved: true),
        new("LayerNorm of images", _ => new LayerNorm([3, 5, 4]), new(4, 3, 5, 4), new(4, 3, 5, 4), IsCurved: true),
        new("LayerNorm of images in NHWC order", _ => new LayerNorm([3, 5, 4]), new Shape(4, 3, 5, 4).In(Layout.Nhwc), new Shape(4, 3, 5, 4).In(Layout.Nhwc), IsCurved: true),
        new("LayerNorm of image rows", _ => new LayerNorm([19], epsilon: 1e-3), new(2, 3, 2, 19), new(2, 3, 2, 19), IsCurved: true),
        new("LayerNorm of rows, without weights", _ => new LayerNorm([40], affine: false), new(6, 40), new(6, 40), IsCurved: true),
        new("LocalResponseNorm", _ => new LocalResponseNorm(3, alpha: 0.5), new(2, 5, 3, 7), new(2, 5, 3, 7), IsCurved: true),
        new("LocalResponseNorm in NHWC order", _ => new LocalResponseNorm(4, alpha: 0.5, beta: 0.6), new Shape(2, 19, 3, 2).In(Layout.Nhwc), new Shape(2, 19, 3, 2).In(Layout.Nhwc), IsCurved: true),
        new("Dropout", random => new Dropout(0.3, random), new(3, 2, 5, 7), new(3, 2, 5, 7), SeesWholeBatch: true, Rewind: Rewind),
        new("Dropout on two threads", random => new Dropout(0.5, random), new(4, 20001), new(4, 20001), SeesWholeBatch: true, Rewind: Rewind),
        new("PReLU", _ => new PReLU(3), new(2, 3, 5, 7), new(2, 3, 5, 7)),
        new("PReLU in NHWC order", _ => new PReLU(21), new Shape(2, 21, 3, 2).In(Layout.Nhwc), new Shape(2, 21, 3, 2).In(Layout.Nhwc)),
        new("PReLU of rows with one slope", _ => new PReLU(), new(3, 40), new(3, 40)),
        new("Softmax", _ => new Softmax(), new(5, 20), new(5, 20), IsCurved: true),
        new("Softmax over channels", _ => new Softmax(), new(2, 4, 3, 7), new(2, 4, 3, 7), IsCurved: true),
        new("Softmax over channels in NHWC order", _ => new Softmax(), new Shape(2, 4, 3, 7).In(Layout.Nhwc), new Shape(2, 4, 3, 7).In(Layout.Nhwc), IsCurved: true),
        new("ZeroPad2d", _ => new ZeroPad2d(1), new(2, 3, 4, 5), new(2, 3, 6, 7)),
        new("ZeroPad2d of four pads in NHWC order", _ => new ZeroPad2d((2, 1, 0, 3)), new Shape(2, 3, 4, 5).In(Layout.Nhwc), new Shape(2, 3, 6, 9).In(Layout.Nhwc)),
        new("Upsample", _ => new Upsample(2), new(2, 3, 4, 5), new(2, 3, 8, 10)),
        new("Upsample in NHWC order", _ => new Upsample((2, 3)), new Shape(2, 3, 4, 5).In(Layout.Nhwc), new Shape(2, 3, 8, 15).In(Layout.Nhwc)),
        new("Upsample bilinear", _ => new Upsample(2, UpsampleMode.Bilinear), new(2, 3, 4, 5), new(2, 3, 8, 10)),
        new("Upsample bilinear in NHWC order", _ => new Upsample((3, 1), UpsampleMode.Bilinear), new Shape(2, 19, 4, 3).In(Layout.Nhwc), new Shape(2, 19, 12, 3).In(Layout.Nhwc)),
        new("ZeroPadChannels", _ => new ZeroPadChannels(1, 2), new(2, 3, 5, 4), new(2, 6, 5, 4)),
        new("ZeroPadChannels in NHWC order", _ => new ZeroPadChannels(2, 1), new Shape(2, 3, 5, 4).In(Layout.Nhwc), new Shape(2, 6, 5, 4).In(Layout.Nhwc)),
        new("AdaptiveAveragePool2d", _ => new AdaptiveAveragePool2d(3), new(2, 3, 7, 5), new(2, 3, 3, 3)),
        new("AdaptiveAveragePool2d in NHWC order", _ => new AdaptiveAveragePool2d(2, 5), new Shape(2, 19, 5, 3).In(Layout.Nhwc), new Shape(2, 19, 2, 5).In(Layout.Nhwc)),
        new("AdaptiveAveragePool2d of even windows", _ => new AdaptiveAveragePool2d(2, 3), new(2, 3, 8, 6), new(2, 3, 2, 3)),
        new("ReLU", _ => new ReLU(), new(3, 2, 5, 7), new(3, 2, 5, 7)),
        new("ReLU6", _ => new ReLU6(), new(2, 1500), new(2, 1500)),
        new("LeakyReLU", _ => new LeakyReLU(), new(3, 2, 5, 7), new(3, 2, 5, 7)),
        new("Sigmoid", _ => new Sigmoid(), new(3, 2, 5, 7), new(3, 2, 5, 7), IsCurved: true),
        new("Tanh", _ => new Tanh(), new(2, 700), new(2, 700), IsCurved: true),
        new("SiLU in NHWC order", _ => new SiLU(), new Shape(3, 2, 5, 7).In(Layout.Nhwc), new Shape(3, 2, 5, 7).In(Layout.Nhwc), IsCurved: true),
        new("GELU on two threads", _ => new GELU(), new(4, 20001), new(4, 20001), IsCurved: true),
        new("Hardswish", _ => new Hardswish(), new(2, 700), new(2, 700), IsCurved: true),
        new("ReLU on two threads", _ => new ReLU(), new(4, 20001), new(4, 20001)),
        new("MaxPool2d", _ => new MaxPool2d(2), new(2, 3, 8, 10), new(2, 3, 4, 5)),
        new("MaxPool2d on two threads", _ => new MaxPool2d(2), new(4, 8, 48, 48), new(4, 8, 24, 24)),
        new("MaxPool2d overlapping, ceil mode", _ => new MaxPool2d(3, stride: 2, padding: 1, ceilMode: true), new(2, 2, 6, 7), new(2, 2, 4, 4)),
        new("MaxPool2d dilated", _ => new MaxPool2d((2, 3), (1, 2), (0, 1), (2, 1)), new(1, 2, 6, 7), new(1, 2, 4, 4)),
        new("MaxPool2d in NHWC order", _ => new MaxPool2d(2), new Shape(2, 19, 8, 10).In(Layout.Nhwc), new Shape(2, 19, 4, 5).In(Layout.Nhwc)),
        new("MaxPool2d overlapping, ceil mode, in NHWC order", _ => new MaxPool2d(3, stride: 2, padding: 1, ceilMode: true), new Shape(2, 3, 6, 7).In(Layout.Nhwc), new Shape(2, 3, 4, 4).In(Layout.Nhwc)),
        new("AveragePool2d", _ => new AveragePool2d(2), new(2, 3, 8, 10), new(2, 3, 4, 5)),
        new("AveragePool2d padded", _ => new AveragePool2d(3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false), new(2, 2, 6, 7), new(2, 2, 4, 4)),
        new("AveragePool2d rectangular, divisor", _ => new AveragePool2d((3, 2), (2, 1), (1, 0), divisorOverride: 7), new(1, 2, 5, 4), new(1, 2, 3, 3)),
        new("AveragePool2d in NHWC order", _ => new AveragePool2d(2), new Shape(2, 19, 8, 10).In(Layout.Nhwc), new Shape(2, 19, 4, 5).In(Layout.Nhwc)),
        new("AveragePool2d padded, in NHWC order", _ => new AveragePool2d(3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false), new Shape(2, 3, 6, 7).In(Layout.Nhwc), new Shape(2, 3, 4, 4).In(Layout.Nhwc)),
        new("GlobalAveragePool2d", _ => new GlobalAveragePool2d(), new(2, 3, 5, 4), new(2, 3, 1, 1)),
        new("GlobalMaxPool2d", _ => new GlobalMaxPool2d(), new(2, 3, 5, 4), new(2, 3, 1, 1)),
        new("GlobalAveragePool2d in NHWC order", _ => new GlobalAveragePool2d(), new Shape(2, 3, 5, 4).In(Layout.Nhwc), new Shape(2, 3, 1, 1).In(Layout.Nhwc)),
        new("GlobalMaxPool2d in NHWC order", _ => new GlobalMaxPool2d(), new Shape(2, 3, 5, 4).In(Layout.Nhwc), new Shape(2, 3, 1, 1).In(Layout.Nhwc)),
        new("Flatten", _ => new Flatten(), new(2, 3, 2, 2), new(2, 12)),
        new("Sequential", Network, new(2, 2, 8, 8), new(2, 3)),
        new("Sequential with two memory orders", random => new Sequential(
            new Conv2d(2, 16, 3, padding: 1, random: random), new ReLU(), new Conv2d(16, 16, 3, padding: 1, random: random), new MaxPool2d(2), new Linear(64, 3, random: random)),
            new(2, 2, 4, 4), new(2, 3), Rounding: WinogradRounding),
        new("Sequential of sequences", random => new Sequential(new Conv1d(2, 4, 3, random: random), new ReLU(), new Conv1d(4, 3, 2, random: random), new Flatten()),
            new(2, 2, 8), new(2, 15)),
        new("Sequential of fused layers", random => new Sequential(
            new Conv2d(2, 16, 3, padding: 1, random: random), new BatchNorm2d(16), new ReLU(), new MaxPool2d(2), new Sigmoid(), new Linear(64, 3, random: random), new ReLU()),
            new(3, 2, 4, 4), new(3, 3), SeesWholeBatch: true, IsCurved: true),
        new("Residual", random => new Residual(new Conv2d(3, 3, 3, padding: 1, random: random)), new(2, 3, 5, 4), new(2, 3, 5, 4)),
        new("Residual of x itself in the other memory order", _ => new Residual(new LayoutChange(Layout.Nhwc)), new(2, 3, 5, 4), new Shape(2, 3, 5, 4).In(Layout.Nhwc)),
        new("Residual with a shortcut", random => new Residual(
            new Sequential(new Conv2d(16, 32, 3, stride: 2, padding: 1, random: random), new ReLU(), new Conv2d(32, 32, 3, padding: 1, random: random)),
            new Conv2d(16, 32, 1, stride: 2, bias: false, random: random)), new Shape(2, 16, 6, 5).In(Layout.Nhwc), new Shape(2, 32, 3, 3).In(Layout.Nhwc), Rounding: WinogradRounding),
        new("Residual of activations", random => new Residual(
            new Sequential(new Linear(12, 5, random: random), new Tanh()), new Sequential(new Linear(12, 5, random: random), new SiLU())), new(4, 12), new(4, 5), IsCurved: true),
        new("Graph", InvertedResidual, new Shape(2, 8, 5, 4).In(Layout.Nhwc), new Shape(2, 24, 5, 4).In(Layout.Nhwc)),
        new("Graph of sequences and rows", random =>
        {
            var graph = new Graph();
            graph.Add("a", new Conv1d(2, 3, 3, random: random));
            graph.Add("b", new Conv1d(2, 3, 3, random: random), Graph.Input);
            graph.Concat("ab", "b", "a", "b");
            graph.Add("flat", new Flatten());
            graph.Add("c", new Linear(54, 5, random: random));
            graph.Add("d", new Linear(54, 5, random: random), "flat");
            graph.Add("tanh", new Tanh());
            graph.Sum("sum", "c", "tanh", "c");
            return graph;
        }, new(2, 2, 8), new(2, 5), IsCurved: true),
        new("Sequential of views and one layer", random => new Sequential(new Flatten(), new Sequential(new Linear(8, 4, random: random)), new Flatten(), new Flatten()),
            new(2, 2, 2, 2), new(2, 4)),
    ];

    public static IEnumerable<Entry> Entries => s_entries;

    public static TheoryData<string> Names => new(s_entries.Select(entry => entry.Name));

    public static Entry Get(string name) => s_entries.Single(entry => entry.Name == name);

    private static Sequential Network(SeededRandom random) => new(
        new Conv2d(2, 4, 3, padding: 1, random: random), new ReLU(), new MaxPool2d(2), new Flatten(),
        new Linear(64, 6, random: random), new ReLU(), new Linear(6, 3, random: random));

    private static void Rewind(Layer layer) => ((Dropout)layer).Step = 0;

    // As in MobileNetV2, but for its normalizations and most ReLUs, with a second way lined up behind it.
    private static Graph InvertedResidual(SeededRandom random)
    {
        var graph = new Graph();
        string expanded = graph.Add("expand", new Sequential(new Conv2d(8, 16, 1, random: random), new ReLU()));
        graph.Add("depthwise", new Conv2d(16, 16, 3, padding: 1, groups: 16, random: random));
        graph.Add("project", new Conv2d(16, 8, 1, bias: false, random: random));
        graph.Sum("sum", "project", Graph.Input);
        graph.Concat("concat", "sum", expanded);
        return graph;
    }

    /// <param name="Name">For messages.</param>
    /// <param name="Create">Makes the layer; equal random states make equal layers.</param>
    /// <param name="Input">What it is bound to.</param>
    /// <param name="Output">What binding must answer.</param>
    /// <param name="Rounding">The largest error of y, of its largest value.</param>
    /// <param name="IsCurved">Whether the layer's slope changes steadily, not only at kinks.</param>
    /// <param name="SeesWholeBatch">Whether an item's output depends on the other items, or on more than the batch.</param>
    /// <param name="Rewind">Makes the next forward pass the first one again; null where all are alike.</param>
    public sealed record Entry(string Name, Func<SeededRandom, Layer> Create, Shape Input, Shape Output, bool SeesWholeBatch = false, double Rounding = 1e-6, bool IsCurved = false, Action<Layer>? Rewind = null);
}
