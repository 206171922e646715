using static TorchSharp.torch.nn;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;
using TorchTensor = TorchSharp.torch.Tensor;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's blocks with two ways: body and shortcut, added; a ReLU behind the sum of those of ResNet.</summary>
internal sealed class TorchBlock : TorchModule
{
    private readonly TorchModule _body;
    private readonly TorchModule? _shortcut, _relu;

    private TorchBlock((string Name, TorchModule Module)[] body, TorchModule? shortcut, bool hasRelu)
        : base(nameof(TorchBlock))
    {
        foreach ((string name, TorchModule module) in body)
            register_module(name, module);
        if (shortcut is not null)
            register_module("downsample", shortcut);
        (_body, _shortcut, _relu) = (Sequential(body.Select(part => part.Module)), shortcut, hasRelu ? ReLU(inplace: true) : null);
    }

    public static TorchModule Basic(int from, int to, int stride, TorchModule? shortcut) => new TorchBlock(
        [
            ("conv1", Conv2d(from, to, 3, stride, 1, bias: false)), ("bn1", BatchNorm2d(to)), ("relu1", ReLU(inplace: true)),
            ("conv2", Conv2d(to, to, 3, 1, 1, bias: false)), ("bn2", BatchNorm2d(to)),
        ],
        shortcut, hasRelu: true);

    public static TorchModule Bottleneck(int from, int width, int to, int stride, TorchModule? shortcut) => new TorchBlock(
        [
            ("conv1", Conv2d(from, width, 1, bias: false)), ("bn1", BatchNorm2d(width)), ("relu1", ReLU(inplace: true)),
            ("conv2", Conv2d(width, width, 3, stride, 1, bias: false)), ("bn2", BatchNorm2d(width)), ("relu2", ReLU(inplace: true)),
            ("conv3", Conv2d(width, to, 1, bias: false)), ("bn3", BatchNorm2d(to)),
        ],
        shortcut, hasRelu: true);

    /// <summary>MobileNetV2's: the sum of body and x, without a ReLU.</summary>
    public static TorchModule InvertedResidual(TorchModule body) => new TorchBlock([("conv", body)], null, hasRelu: false);

    public override TorchTensor forward(TorchTensor x)
    {
        TorchTensor sum = _body.call(x).add_(_shortcut is null ? x : _shortcut.call(x));
        return _relu is null ? sum : _relu.call(sum);
    }
}
