using HybridCnn.Data;

namespace HybridCnn.Training;

/// <summary>What a checkpoint says beside the trainer's state.</summary>
/// <param name="Position">Where the loader was: <see cref="BatchLoader.Seek"/>.</param>
/// <param name="Notes">What the caller saved with it.</param>
public sealed record CheckpointInfo(LoaderPosition Position, IReadOnlyDictionary<string, string> Notes);
