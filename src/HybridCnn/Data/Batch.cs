using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>Memory for one batch, and what a <see cref="BatchSource"/> wrote into it. Mixed or not, an image counts for its label with weight <see cref="Lambda"/>.</summary>
public sealed class Batch
{
    /// <summary>Allocates a batch.</summary>
    /// <param name="shape">[N, C, H, W].</param>
    /// <exception cref="ArgumentException">A shape of another rank.</exception>
    public Batch(Shape shape)
    {
        if (shape.Rank != 4)
            throw new ArgumentException($"A batch is [N, C, H, W]; got {shape}.", nameof(shape));
        Images = new Tensor(shape);
        Labels = new int[shape[0]];
        MixedLabels = new int[shape[0]];
    }

    /// <summary>The normalised images, [N, C, H, W].</summary>
    public Tensor Images { get; }

    /// <summary>One class per image; <see cref="BatchLoader.NoLabel"/> behind the first <see cref="Count"/>.</summary>
    public int[] Labels { get; }

    /// <summary>The class of what was mixed into each image; equal to <see cref="Labels"/> where nothing was.</summary>
    public int[] MixedLabels { get; }

    /// <summary>
    /// How much of each image is its own, 0 to 1; the rest belongs to <see cref="MixedLabels"/>. 1 where nothing was mixed.
    /// The loss is lambda * loss(labels) + (1 - lambda) * loss(mixed labels), which for cross-entropy is the loss of the mixed target.
    /// </summary>
    public float Lambda { get; internal set; } = 1;

    /// <summary>Whether the images were mixed, so that a loss needs both labels.</summary>
    public bool IsMixed => Lambda < 1;

    /// <summary>How many images there are; less than N only in the last batch of an evaluation.</summary>
    public int Count { get; internal set; }
}
