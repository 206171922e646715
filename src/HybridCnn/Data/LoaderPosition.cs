namespace HybridCnn.Data;

/// <summary>
/// Where a loader is: all that a checkpoint must hold so that a new loader over the same images goes on with the same batches, bit for bit.
/// </summary>
/// <param name="RandomState">State of the random sequence from which the order of the epoch at hand and its augmentation follow.</param>
/// <param name="ImagesDone">Images of that epoch in the batches given so far; 0 at its start.</param>
public readonly record struct LoaderPosition(ulong RandomState, int ImagesDone);
