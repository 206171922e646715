using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>What `versus` was asked for.</summary>
internal sealed record VersusRequest(
    string[] Networks, IReadOnlyList<Problem> Convolutions, string[] Operators, Shape OperatorShape, LayoutChoice Layout, string? Set, string[] Passes,
    IReadOnlyList<ConvolutionPeer> Peers, Precision Precision, int Batch, int[] Threads, TurnPlan Plan, bool Breakdown,
    FileInfo? Json, FileInfo? Markdown, DirectoryInfo? Results)
{
    /// <summary>Convolutions that a limit left out, each in a line.</summary>
    public IReadOnlyList<string> TooLarge { get; init; } = [];

    /// <summary>What the files of this run are called.</summary>
    public string Title => Networks.Length > 0 ? "versus-net" : Operators.Length > 0 ? "versus-op" : Set is null ? "versus-conv" : $"versus-{Set}";

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
