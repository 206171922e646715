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

    /// <summary>Copies values into a network: its parameters and, if there are more of them, its running statistics.</summary>
    /// <param name="network">The peer's.</param>
    /// <param name="values">By name, dense.</param>
    /// <param name="channelsLast">Whether the weights of convolutions are to have the channels innermost.</param>
    /// <exception cref="InvalidOperationException">The names or sizes differ from the network's.</exception>
    public static void Load(TorchModule network, IReadOnlyDictionary<string, float[]> values, bool channelsLast)
    {
        using var noGradient = torch.no_grad();
        List<(string Name, torch.Tensor Tensor)> own = [.. network.named_parameters().Select(named => (named.name, (torch.Tensor)named.parameter))];
        if (own.Count != values.Count)
            own.AddRange(network.named_buffers().Where(named => named.buffer.is_floating_point()).Select(named => (named.name, named.buffer)));
        if (own.Count != values.Count)
            throw new InvalidOperationException($"The networks differ: ours has {values.Count} tensors, the peer's {own.Count}.");
        foreach ((string name, torch.Tensor tensor) in own)
        {
            if (!values.TryGetValue(name, out float[]? given) || given.Length != tensor.numel())
                throw new InvalidOperationException($"The networks differ: the peer's \"{name}\" has no counterpart of {tensor.numel()} values.");
            torch.Tensor value = torch.tensor(given, tensor.shape);
            // set_ takes over the strides too, copy_ would keep the parameter's own.
            if (channelsLast && tensor.dim() == 4)
                tensor.set_(Torch.ToChannelsLast(value));
            else
                tensor.copy_(value);
        }
    }

    private static TorchModule[] VggPair(int from, int to) =>
    [
        Conv2d(from, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU(inplace: true),
        Conv2d(to, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU(inplace: true), MaxPool2d(2),
    ];
}
