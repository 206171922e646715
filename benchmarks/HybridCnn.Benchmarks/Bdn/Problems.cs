using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>What the benchmark classes measure. They run in this process, so the command line may change it before they start.</summary>
internal static class Problems
{
    /// <summary>LeNet's and LeNet-5's convolutions at batch 64, and layers of known networks: first, middle, deep, 1x1, stride 2.</summary>
    public static IReadOnlyList<Conv2dDims> Convolutions { get; set; } =
    [
        .. new[]
        {
            "mb64ic1ih28oc20oh24kh5",
            "mb64ic20ih12oc50oh8kh5",
            "mb64ic6ih14oc16oh10kh5",
            "mb8ic3ih224oc64oh112kh7sh2ph3",
            "mb8ic64ih56oc64oh56kh3ph1",
            "mb8ic256ih14oc256oh14kh3ph1",
            "mb8ic64ih56oc128oh28kh3sh2ph1",
            "mb8ic256ih56oc64oh56kh1",
        }.Select(text => Conv2dDims.Parse(text)),
    ];

    public static int Threads { get; set; } = 1;
}
