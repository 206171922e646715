namespace HybridCnn.Training;

/// <summary>What one epoch of training measured, each batch before the step that it led to.</summary>
/// <param name="Epoch">Counted from 1.</param>
/// <param name="Loss">Mean over the images seen.</param>
/// <param name="Correct">Images that were classified right.</param>
/// <param name="Count">Images seen.</param>
/// <param name="Elapsed">Loading included.</param>
/// <param name="DataWait">The part of <paramref name="Elapsed"/> in which training waited for its next batch.</param>
/// <param name="Completed">False where the epoch was cancelled.</param>
public readonly record struct EpochResult(int Epoch, double Loss, int Correct, int Count, TimeSpan Elapsed, TimeSpan DataWait, bool Completed)
{
    /// <summary>Share of images that were classified right, 0 to 1.</summary>
    public double Accuracy => Count == 0 ? 0 : (double)Correct / Count;
}
