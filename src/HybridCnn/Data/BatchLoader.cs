using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// Cuts a data set into normalised batches. With a random sequence: for training, a new order each epoch, every batch full
/// (what is left over at the end is left out, another part each time), images varied if asked for. Without: for evaluation, in order,
/// every image once. Allocates nothing per batch.
/// </summary>
public sealed class BatchLoader : BatchSource
{
    /// <summary>The label of what fills an incomplete batch; no class has it, so a loss that reads it says so.</summary>
    public const int NoLabel = -1;

    private readonly SeededRandom? _shuffle;
    private readonly ImageAugmenter? _augmenter;
    private readonly int[] _order;
    private Batch? _batch;
    private ulong _epochState;
    private int _next;

    /// <summary>Prepares a loader at the start of its first epoch.</summary>
    /// <param name="data">The images.</param>
    /// <param name="batchSize">N of each batch.</param>
    /// <param name="shuffle">Draws the order of each epoch, from its state at the epoch's first batch; null for evaluation.</param>
    /// <param name="augmentation">How training images are varied; null = not at all.</param>
    /// <exception cref="ArgumentException">
    /// A batch size below 1, or for training above the number of images; an augmentation that doesn't fit the images, or without a random sequence.
    /// </exception>
    public BatchLoader(ImageDataset data, int batchSize, SeededRandom? shuffle, Augmentation? augmentation = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (shuffle is not null && batchSize > data.Count)
            throw new ArgumentException($"{data.Name} has {data.Count} images, too few for one batch of {batchSize}.", nameof(batchSize));
        if (augmentation is not null && shuffle is null)
            throw new ArgumentException("Only training images are varied: an augmentation needs a random sequence.", nameof(augmentation));
        Data = data;
        BatchSize = batchSize;
        BatchShape = new Shape(batchSize, data.Channels, data.Height, data.Width);
        _shuffle = shuffle;
        _augmenter = augmentation is null ? null : new ImageAugmenter(augmentation, data);
        _order = new int[data.Count];
        for (int i = 0; i < _order.Length; i++)
            _order[i] = i;
    }

    /// <summary>The images.</summary>
    public ImageDataset Data { get; }

    /// <summary>N of each batch.</summary>
    public int BatchSize { get; }

    /// <inheritdoc/>
    public override Shape BatchShape { get; }

    /// <summary>How often <see cref="Next(Batch)"/> returns true in an epoch.</summary>
    public override int BatchesPerEpoch => _shuffle is null ? (int)(((long)Data.Count + BatchSize - 1) / BatchSize) : Data.Count / BatchSize;

    /// <inheritdoc/>
    public override LoaderPosition Position => new(_next > 0 ? _epochState : _shuffle?.State ?? 0, _next);

    /// <summary>Goes to a place that a loader of the same images, batch size and augmentation was at; the batches from there on have the same bits.</summary>
    /// <param name="position">From <see cref="Position"/>.</param>
    /// <exception cref="ArgumentException">A place that this loader never is at.</exception>
    public void Seek(LoaderPosition position)
    {
        int done = position.ImagesDone;
        if (done < 0 || done > Data.Count || (done % BatchSize != 0 && (_shuffle is not null || done < Data.Count)))
            throw new ArgumentException($"A loader of {Data.Count} images in batches of {BatchSize} never stands behind image {done}.", nameof(position));
        if (_shuffle is not null)
        {
            _shuffle.State = position.RandomState;
            if (done > 0)
                DrawOrder();
        }

        _next = done;
    }

    /// <inheritdoc/>
    public override Batch? NextBatch()
    {
        _batch ??= new Batch(BatchShape);
        return Next(_batch) ? _batch : null;
    }

    /// <summary>Writes the next batch, or returns false at the end of the epoch; the call after that starts the next epoch.</summary>
    /// <param name="batch">Of shape <see cref="BatchShape"/>; overwritten. It has fewer images than N only at the end of an evaluation; the rest is 0.</param>
    /// <returns>Whether there was a batch.</returns>
    /// <exception cref="ArgumentException">The batch has another shape.</exception>
    public bool Next(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int done = _next;
        bool there = Fill(batch.Images, batch.Labels, out int count);
        batch.Count = count;
        batch.Labels.CopyTo(batch.MixedLabels, 0);
        batch.Lambda = 1;
        if (there && _augmenter is not null)
            Mix(batch, _augmenter.MixupShare(_epochState, done));
        return there;
    }

    /// <summary>Writes the next batch, or returns false at the end of the epoch; the call after that starts the next epoch.</summary>
    /// <param name="images">x of shape <see cref="BatchShape"/>; overwritten.</param>
    /// <param name="labels">One per image; overwritten.</param>
    /// <param name="count">
    /// How many images the batch has. Less than the batch size only for the last batch of an evaluation, where the rest of
    /// <paramref name="images"/> is 0 and the rest of <paramref name="labels"/> is <see cref="NoLabel"/>; 0 at the end of the epoch.
    /// </param>
    /// <returns>Whether there was a batch.</returns>
    /// <exception cref="ArgumentException">The batch has another shape, or another number of labels.</exception>
    /// <exception cref="InvalidOperationException">Images are mixed, so one label each is not enough.</exception>
    public bool Next(Tensor images, Span<int> labels, out int count)
    {
        if (_augmenter is { Mixes: true })
            throw new InvalidOperationException("Mixed images have two labels each: ask for a whole Batch.");
        return Fill(images, labels, out count);
    }

    /// <summary>Leaves the current epoch; the next batch is the first of a new one.</summary>
    public void Restart() => _next = 0;

    private bool Fill(Tensor images, Span<int> labels, out int count)
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
            if (_augmenter is null)
                Data.Normalization.Apply(Data.Image(index), images.Item(n));
            else
                _augmenter.Write(_epochState, index, images.Item(n));
            labels[n] = Data.Label(index);
        }

        for (int n = count; n < BatchSize; n++)
            images.Item(n).Clear();
        labels[count..].Fill(NoLabel);
        _next += count;
        return true;
    }

    // The batch is in random order, so its reverse is a random partner for each image, and both of a pair are mixed in place.
    private static void Mix(Batch batch, float share)
    {
        if (share == 1)
            return;
        batch.Lambda = share;
        batch.MixedLabels.AsSpan().Reverse();
        for (int n = 0, partner = batch.Labels.Length - 1; n < partner; n++, partner--)
            ImageMix.Run(batch.Images.Item(n), batch.Images.Item(partner), share);
    }

    // From the identity each time: an epoch's order depends on the random state alone, not on the epochs before it.
    private void DrawOrder()
    {
        if (_shuffle is null)
            return;
        _epochState = _shuffle.State;
        for (int i = 0; i < _order.Length; i++)
            _order[i] = i;
        _shuffle.Shuffle(_order.AsSpan());
        // One image has but one order, which takes no random number; it is varied anew all the same.
        if (_augmenter is not null)
            _shuffle.NextBits();
    }
}
