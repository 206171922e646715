using TorchSharp;
using static TorchSharp.torch.nn;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's MobileNetV2 (Sandler and others, 2018, table 2), with torchvision's structure; without dropout, whose random numbers could not be compared.</summary>
internal static class TorchMobileNetV2
{
    public static TorchModule Create(int classes)
    {
        var features = new List<TorchModule> { Unit(3, 32, 3, 2, 1) };
        int from = 32;
        foreach ((int t, int c, int n, int s) in ((int, int, int, int)[])[(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)])
        {
            for (int i = 0; i < n; i++)
            {
                int stride = i == 0 ? s : 1, wide = t * from;
                TorchModule[] expand = t == 1 ? [] : [Unit(from, wide, 1, 1, 1)];
                TorchModule[] rest = [Unit(wide, wide, 3, stride, wide), Conv2d(wide, c, 1, bias: false), BatchNorm2d(c)];
                TorchModule body = Sequential(expand.Concat(rest));
                features.Add(stride == 1 && from == c ? TorchBlock.InvertedResidual(body) : Sequential(("conv", body)));
                from = c;
            }
        }

        features.Add(Unit(from, 1280, 1, 1, 1));
        return Sequential(
            ("features", Sequential(features)), ("avgpool", AdaptiveAvgPool2d(1)), ("flatten", Flatten()),
            ("classifier", Sequential(Identity(), Linear(1280, classes))));
    }

    private static TorchModule Unit(int from, int to, int kernel, int stride, int groups) => Sequential(
        Conv2d(from, to, kernel, stride, kernel / 2, groups: groups, bias: false), BatchNorm2d(to), ReLU6(inplace: true));
}
