using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// Cuts a data set into normalised batches. With a random sequence: for training, a new order each epoch, every batch full
/// (what is left over at the end is left out, another part each time). Without: for evaluation, in order, every image once.
/// Allocates nothing per batch.
/// </summary>
public sealed class BatchLoader
{
    /// <summary>The label of what fills an incomplete batch; no class has it, so a loss that reads it says so.</summary>
    public const int NoLabel = -1;

    private readonly SeededRandom? _shuffle;
    private readonly int[] _order;
    private int _next;

    /// <summary>Prepares a loader at the start of its first epoch.</summary>
    /// <param name="data">The images.</param>
    /// <param name="batchSize">N of each batch.</param>
    /// <param name="shuffle">Draws the order of each epoch, from its state at the epoch's first batch; null for evaluation.</param>
    /// <exception cref="ArgumentException">A batch size below 1, or for training above the number of images.</exception>
    public BatchLoader(ImageDataset data, int batchSize, SeededRandom? shuffle)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (shuffle is not null && batchSize > data.Count)
            throw new ArgumentException($"{data.Name} has {data.Count} images, too few for one batch of {batchSize}.", nameof(batchSize));
        Data = data;
        BatchSize = batchSize;
        BatchShape = new Shape(batchSize, data.Channels, data.Height, data.Width);
        _shuffle = shuffle;
        _order = new int[data.Count];
        for (int i = 0; i < _order.Length; i++)
            _order[i] = i;
    }

    /// <summary>The images.</summary>
    public ImageDataset Data { get; }

    /// <summary>N of each batch.</summary>
    public int BatchSize { get; }

    /// <summary>The shape of a batch, [N, C, H, W].</summary>
    public Shape BatchShape { get; }

    /// <summary>How often <see cref="Next"/> returns true in an epoch.</summary>
    public int BatchesPerEpoch => _shuffle is null ? (int)(((long)Data.Count + BatchSize - 1) / BatchSize) : Data.Count / BatchSize;

    /// <summary>Writes the next batch, or returns false at the end of the epoch; the call after that starts the next epoch.</summary>
    /// <param name="images">x of shape <see cref="BatchShape"/>; overwritten.</param>
    /// <param name="labels">One per image; overwritten.</param>
    /// <param name="count">
    /// How many images the batch has. Less than the batch size only for the last batch of an evaluation, where the rest of
    /// <paramref name="images"/> is 0 and the rest of <paramref name="labels"/> is <see cref="NoLabel"/>; 0 at the end of the epoch.
    /// </param>
    /// <returns>Whether there was a batch.</returns>
    /// <exception cref="ArgumentException">The batch has another shape, or another number of labels.</exception>
    public bool Next(Tensor images, Span<int> labels, out int count)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape != BatchShape)
            throw new ArgumentException($"Batches of this loader are {BatchShape}; got {images.Shape}.", nameof(images));
        if (labels.Length != BatchSize)
            throw new ArgumentException($"A batch has {BatchSize} labels; got room for {labels.Length}.", nameof(labels));
        int left = _order.Length - _next;
        count = Math.Min(left, BatchSize);
        if (count == 0 || (_shuffle is not null && count < BatchSize))
        {
            Restart();
            count = 0;
            return false;
        }

        if (_next == 0)
            DrawOrder();
        for (int n = 0; n < count; n++)
        {
            int index = _order[_next + n];
            Data.Normalization.Apply(Data.Image(index), images.Item(n));
            labels[n] = Data.Label(index);
        }

        for (int n = count; n < BatchSize; n++)
            images.Item(n).Clear();
        labels[count..].Fill(NoLabel);
        _next += count;
        return true;
    }

    /// <summary>Leaves the current epoch; the next batch is the first of a new one.</summary>
    public void Restart() => _next = 0;

    // From the identity each time: an epoch's order depends on the random state alone, not on the epochs before it.
    private void DrawOrder()
    {
        if (_shuffle is null)
            return;
        for (int i = 0; i < _order.Length; i++)
            _order[i] = i;
        _shuffle.Shuffle(_order.AsSpan());
    }
}
