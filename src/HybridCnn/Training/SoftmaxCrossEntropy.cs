using System.Diagnostics.CodeAnalysis;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// The mean over a batch of -log softmax(logits)[label]. Stable for logits of any finite size. Has no state: one instance can
/// serve any number of networks.
/// </summary>
[SuppressMessage("Performance", "CA1822", Justification = "A trainer holds its loss as an object, like its optimizer.")]
public sealed class SoftmaxCrossEntropy
{
    /// <summary>The loss and its gradient.</summary>
    /// <param name="logits">[N, K], one row of scores per image; left as it is.</param>
    /// <param name="labels">N classes, each in [0, K).</param>
    /// <param name="dlogits">[N, K], overwritten with the gradient of the mean loss.</param>
    /// <returns>The mean loss; not finite where a logit is not.</returns>
    /// <exception cref="ArgumentException">Shapes that disagree, or a label without a class.</exception>
    public float Forward(Tensor logits, ReadOnlySpan<int> labels, Tensor dlogits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(dlogits);
        Check(logits.Shape, labels);
        if (labels.Length != logits.Shape[0])
            throw new ArgumentException($"The logits are {logits.Shape}, but there are {labels.Length} labels.", nameof(labels));
        if (dlogits.Shape != logits.Shape)
            throw new ArgumentException($"The logits are {logits.Shape}, their gradient is {dlogits.Shape}.", nameof(dlogits));

        double sum = 0;
        float scale = 1f / labels.Length;
        for (int n = 0; n < labels.Length; n++)
            sum += Softmax.CrossEntropy(logits.Item(n), labels[n], scale, dlogits.Item(n));
        return (float)(sum / labels.Length);
    }

    /// <summary>The loss of each image, without a gradient.</summary>
    /// <param name="logits">[N, K].</param>
    /// <param name="labels">At most N classes; further rows of the logits are not looked at.</param>
    /// <param name="losses">One per label, overwritten.</param>
    /// <exception cref="ArgumentException">Shapes that disagree, or a label without a class.</exception>
    public void PerImage(Tensor logits, ReadOnlySpan<int> labels, Span<float> losses)
    {
        ArgumentNullException.ThrowIfNull(logits);
        Check(logits.Shape, labels);
        if (losses.Length != labels.Length)
            throw new ArgumentException($"There are {labels.Length} labels, but room for {losses.Length} losses.", nameof(losses));
        for (int n = 0; n < labels.Length; n++)
            losses[n] = (float)Softmax.CrossEntropy(logits.Item(n), labels[n], 1, []);
    }

    private static void Check(Shape logits, ReadOnlySpan<int> labels)
    {
        if (logits.Rank != 2)
            throw new ArgumentException($"Logits are [N, K]; got {logits}.", nameof(logits));
        if (labels.IsEmpty || labels.Length > logits[0])
            throw new ArgumentException($"The logits are {logits}, but there are {labels.Length} labels.", nameof(labels));
        for (int n = 0; n < labels.Length; n++)
        {
            if ((uint)labels[n] >= (uint)logits[1])
                throw new ArgumentException($"Label {n} is {labels[n]}, but there are {logits[1]} classes.", nameof(labels));
        }
    }
}
