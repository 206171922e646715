using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>What `versus` was asked for.</summary>
internal sealed record VersusRequest(
    string[] Networks, IReadOnlyList<Conv2dDims> Convolutions, string[] Passes, int Batch, int[] Threads, TurnPlan Plan, bool Breakdown,
    FileInfo? Json, FileInfo? Markdown, DirectoryInfo? Results);
