using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>Gives training or evaluation its batches, epoch after epoch. One caller at a time.</summary>
public abstract class BatchSource
{
    private protected BatchSource()
    {
    }

    /// <summary>The shape of a batch, [N, C, H, W].</summary>
    public abstract Shape BatchShape { get; }

    /// <summary>How many batches an epoch has.</summary>
    public abstract int BatchesPerEpoch { get; }

    /// <summary>Behind the batch that was given last: what to save with the weights that it led to.</summary>
    public abstract LoaderPosition Position { get; }

    /// <summary>The next batch, or null at the end of the epoch; the call after that starts the next epoch.</summary>
    /// <returns>A batch that belongs to the source and is good until the next call.</returns>
    public abstract Batch? NextBatch();
}
