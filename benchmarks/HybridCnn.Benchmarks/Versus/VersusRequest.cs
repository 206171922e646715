using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>What `versus` was asked for.</summary>
internal sealed record VersusRequest(
    string[] Networks, string[] Bridged, string[] Inferred, string[] Memories, IReadOnlyList<Problem> Convolutions, string[] Operators, Shape OperatorShape, LayoutChoice Layout, string? Set, string[] Passes,
    IReadOnlyList<ConvolutionPeer> Peers, Precision Precision, int? Batch, int[] Threads, TurnPlan Plan, bool Breakdown,
    FileInfo? Json, FileInfo? Markdown, DirectoryInfo? Results)
{
    private const int UsualBatch = 64;

    private static readonly int[] s_inferredBatches = [1, 32];

    // Those of the papers, or what a CPU takes.
    private static readonly Dictionary<string, int> s_trainedBatches = new() { ["resnet18"] = 8, ["resnet50"] = 8, ["mobilenetv2"] = 16, ["resnet20"] = 128 };

    /// <summary>Images of a training step whose time is taken.</summary>
    public int StepBatch => Batch ?? UsualBatch;

    /// <summary>Numbers of images of a prediction.</summary>
    public int[] InferredBatches => Batch is { } batch ? [batch] : s_inferredBatches;

    /// <summary>Images of a training step whose memory is measured.</summary>
    public int MemoryBatch(string network) => Batch ?? s_trainedBatches.GetValueOrDefault(network, UsualBatch);

    /// <summary>Convolutions that a limit left out, each in a line.</summary>
    public IReadOnlyList<string> TooLarge { get; init; } = [];

    /// <summary>What the files of this run are called.</summary>
    public string Title => Networks.Length > 0 ? "versus-net" : Bridged.Length > 0 ? "versus-bridge" : Inferred.Length > 0 ? "versus-infer" : Memories.Length > 0 ? "versus-memory" : Operators.Length > 0 ? "versus-op" : Set is null ? "versus-conv" : $"versus-{Set}";

    /// <summary>The same without the convolutions that take more operations a pass.</summary>
    public VersusRequest Within(double gflop) => this with
    {
        Convolutions = [.. Convolutions.Where(problem => problem.Dims.Flops <= gflop * 1e9)],
        TooLarge =
        [
            .. Convolutions.Where(problem => problem.Dims.Flops > gflop * 1e9)
                .Select(problem => FormattableString.Invariant($"without {problem.Name} {problem.Dims}: {problem.Dims.Flops * 1e-9:0.0} GFLOP, more than {gflop}")),
        ],
    };
}
