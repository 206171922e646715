using TorchSharp;
using static TorchSharp.torch.nn;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>
/// The peer's networks, written out by hand from the papers and not derived from ours, so that a mistake in one of the two
/// shows up when their losses are compared. Parameter names ("0.weight") are the same on both sides.
/// </summary>
internal static class TorchNetworks
{
    public static TorchModule Create(string name, int classes) => name switch
    {
        // Caffe's LeNet example: 20 and 50 filters, no activation between convolution and pooling.
        "lenet" => Sequential(
            Conv2d(1, 20, 5), MaxPool2d(2), Conv2d(20, 50, 5), MaxPool2d(2),
            Flatten(), Linear(800, 500), ReLU(inplace: true), Linear(500, classes)),

        // LeCun, Bottou, Bengio, Haffner 1998, with ReLU and max pooling.
        "lenet5" => Sequential(
            Conv2d(1, 6, 5, padding: 2), ReLU(inplace: true), MaxPool2d(2),
            Conv2d(6, 16, 5), ReLU(inplace: true), MaxPool2d(2),
            Flatten(), Linear(400, 120), ReLU(inplace: true), Linear(120, 84), ReLU(inplace: true), Linear(84, classes)),

        // Six convolutions in the manner of VGG, for small pictures of three colours.
        "vgg-cifar" => Sequential(
        [
            .. VggPair(3, 64), .. VggPair(64, 128), .. VggPair(128, 256),
            Flatten(), Linear(256 * 4 * 4, 512), ReLU(inplace: true), Linear(512, classes),
        ]),

        "resnet18" => TorchResNet.ImageNet(18, classes),
        "resnet50" => TorchResNet.ImageNet(50, classes),
        "resnet20" => TorchResNet.Cifar20(classes),
        "mobilenetv2" => TorchMobileNetV2.Create(classes),

        _ => throw new ArgumentException($"The peer has no network \"{name}\".", nameof(name)),
    };

    private static TorchModule[] VggPair(int from, int to) =>
    [
        Conv2d(from, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU(inplace: true),
        Conv2d(to, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU(inplace: true), MaxPool2d(2),
    ];
}
