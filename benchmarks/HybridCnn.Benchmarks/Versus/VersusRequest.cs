using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>What `versus` was asked for.</summary>
internal sealed record VersusRequest(
    string[] Networks, IReadOnlyList<Problem> Convolutions, string[] Operators, Shape OperatorShape, LayoutChoice Layout, string? Set, string[] Passes, Precision Precision, int Batch, int[] Threads, TurnPlan Plan, bool Breakdown,
    FileInfo? Json, FileInfo? Markdown, DirectoryInfo? Results)
{
    /// <summary>What the files of this run are called.</summary>
    public string Title => Networks.Length > 0 ? "versus-net" : Operators.Length > 0 ? "versus-op" : Set is null ? "versus-conv" : $"versus-{Set}";
}
