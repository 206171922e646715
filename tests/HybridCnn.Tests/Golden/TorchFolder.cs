using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Golden;

/// <summary>Where reference cases lie: a selection in the repository, and the whole folder where it is found.</summary>
internal static class TorchFolder
{
    // Adaptive maxima of larger outputs, and pads that aren't zeros, aren't ours.
    private static readonly string[] s_operations =
        ["conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "linear", "cross_entropy", "loss", "optimizer", "activation", "norm", "pad", "reshape"];

    /// <summary>The cases in the repository.</summary>
    public static string Committed => Path.Combine(AppContext.BaseDirectory, "Golden", "data");

    /// <summary>All cases: the folder that HYBRIDCNN_TORCH_REF names, else torch-ref of <see cref="SharedData"/>; null where there is none.</summary>
    public static string? Whole =>
        Environment.GetEnvironmentVariable("HYBRIDCNN_TORCH_REF") is { Length: > 0 } named ? named : SharedData.Part("torch-ref");

    public static TheoryData<string> CommittedCases => new(Cases(Committed));

    public static TheoryData<string> WholeCases => new(Whole is null ? [] : Cases(Whole));

    public static TorchCase Load(string folder, string name) =>
        new(Path.Combine(folder, name.Replace('/', Path.DirectorySeparatorChar) + ".safetensors"));

    private static IEnumerable<string> Cases(string folder) =>
        from operation in s_operations
        let place = Path.Combine(folder, operation)
        where Directory.Exists(place)
        from file in Directory.EnumerateFiles(place, "*.safetensors").Order(StringComparer.Ordinal)
        let name = operation + "/" + Path.GetFileNameWithoutExtension(file)
        where IsOurs(Load(folder, name))
        select name;

    private static bool IsOurs(TorchCase test) => test.Operation switch
    {
        "adaptive_max_pool2d" => test.Int("out_h") == 1 && test.Int("out_w") == 1,
        "cross_entropy" => test.Extents("in.logits").Length == 2,
        "pad" => test.Name == "zero",
        "activation" => TorchReferenceTests.Activation(test) is not null,
        "loss" => TorchTrainingCases.Loss(test) is not null,
        _ => true,
    };
}

/// <summary>A theory that is reported as skipped where the whole folder of reference cases isn't there.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchFolderTheoryAttribute : TheoryAttribute
{
    public TorchFolderTheoryAttribute()
    {
        if (TorchFolder.Whole is null)
            Skip = "No folder of PyTorch reference cases: set HYBRIDCNN_TORCH_REF, or put it at ../shared/data/torch-ref.";
    }
}
