using TorchSharp;
using static TorchSharp.torch.nn;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;
using TorchTensor = TorchSharp.torch.Tensor;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's residual networks (He, Zhang, Ren, Sun, 2015), with torchvision's structure: stem, stages, mean, last layer.</summary>
internal sealed class TorchResNet : TorchModule
{
    private readonly TorchModule _stem, _stages, _last;

    private TorchResNet((string, TorchModule)[] stem, (string, TorchModule)[] stages, string lastName, TorchModule last)
        : base(nameof(TorchResNet))
    {
        foreach ((string name, TorchModule module) in (ReadOnlySpan<(string, TorchModule)>)[.. stem, .. stages, (lastName, last)])
            register_module(name, module);
        (_stem, _stages, _last) = (Sequential(stem.Select(part => part.Item2)), Sequential(stages.Select(part => part.Item2)), last);
    }

    public static TorchModule ImageNet(int depth, int classes)
    {
        int[] blocks = depth == 18 ? [2, 2, 2, 2] : [3, 4, 6, 3];
        int expansion = depth == 50 ? 4 : 1, from = 64;
        var stages = new List<(string, TorchModule)>();
        for (int stage = 0; stage < 4; stage++)
        {
            var parts = new List<TorchModule>();
            for (int block = 0; block < blocks[stage]; block++)
            {
                int planes = 64 << stage, to = planes * expansion, stride = stage > 0 && block == 0 ? 2 : 1;
                TorchModule? shortcut = stride == 1 && from == to ? null : Sequential(Conv2d(from, to, 1, stride, bias: false), BatchNorm2d(to));
                parts.Add(depth == 50 ? TorchBlock.Bottleneck(from, planes, to, stride, shortcut) : TorchBlock.Basic(from, to, stride, shortcut));
                from = to;
            }

            stages.Add(($"layer{stage + 1}", Sequential(parts)));
        }

        return new TorchResNet(
            [
                ("conv1", Conv2d(3, 64, 7, 2, 3, bias: false)), ("bn1", BatchNorm2d(64)), ("relu", ReLU(inplace: true)),
                ("maxpool", MaxPool2d(3, 2, 1)),
            ],
            [.. stages], "fc", Linear(from, classes));
    }

    public static TorchModule Cifar20(int classes)
    {
        var stages = new List<(string, TorchModule)>();
        for (int stage = 0; stage < 3; stage++)
        {
            int planes = 16 << stage;
            stages.Add(($"layer{stage + 1}", Sequential(Enumerable.Range(0, 3).Select(block => stage > 0 && block == 0
                ? TorchBlock.Basic(planes / 2, planes, 2, new OptionA(planes))
                : TorchBlock.Basic(planes, planes, 1, null)))));
        }

        return new TorchResNet([("conv1", Conv2d(3, 16, 3, 1, 1, bias: false)), ("bn1", BatchNorm2d(16)), ("relu", ReLU(inplace: true))], [.. stages], "linear", Linear(64, classes));
    }

    public override TorchTensor forward(TorchTensor x) =>
        _last.call(functional.adaptive_avg_pool2d(_stages.call(_stem.call(x)), 1).flatten(1));

    /// <summary>Every second pixel, and channels of zeros on both sides.</summary>
    private sealed class OptionA(int channels) : TorchModule(nameof(OptionA))
    {
        public override TorchTensor forward(TorchTensor x) =>
            functional.pad(x.slice(2, 0, x.shape[2], 2).slice(3, 0, x.shape[3], 2), [0, 0, 0, 0, channels / 4, channels / 4]);
    }
}
