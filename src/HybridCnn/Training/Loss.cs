using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// What training minimizes: a number from what a network says and what it should say, and the number's gradient. Targets are
/// labels, one class per image, or a tensor of the output's shape. A call may use memory of the object: one call at a time.
/// </summary>
public abstract class Loss
{
    /// <summary>The loss against labels, and its gradient. Allocates nothing, but for the first call of a shape.</summary>
    /// <param name="output">[N, K], one row per image; left as it is.</param>
    /// <param name="labels">N classes.</param>
    /// <param name="gradient">[N, K], overwritten with the gradient of the returned loss.</param>
    /// <returns>The mean loss; not finite where an output is not.</returns>
    /// <exception cref="ArgumentException">Shapes that disagree, or a label without a class.</exception>
    public abstract float Forward(Tensor output, ReadOnlySpan<int> labels, Tensor gradient);

    /// <summary>The loss against a tensor, and its gradient. Allocates nothing.</summary>
    /// <param name="output">What the network says; left as it is.</param>
    /// <param name="target">What it should say, of the output's shape; left as it is.</param>
    /// <param name="gradient">Of the output's shape, overwritten with the gradient of the returned loss.</param>
    /// <returns>The mean loss; not finite where an output is not.</returns>
    /// <exception cref="ArgumentException">Shapes that disagree.</exception>
    public abstract float Forward(Tensor output, Tensor target, Tensor gradient);

    /// <summary>The loss of each image, without a gradient.</summary>
    /// <param name="output">[N, K].</param>
    /// <param name="labels">At most N classes; further rows of the output are not looked at.</param>
    /// <param name="losses">One per label, overwritten.</param>
    /// <exception cref="ArgumentException">Shapes that disagree, or a label without a class.</exception>
    public abstract void PerImage(Tensor output, ReadOnlySpan<int> labels, Span<float> losses);

    /// <summary>Throws unless outputs have this form.</summary>
    internal virtual void RequireOutput(Shape output)
    {
    }

    /// <summary>Throws unless there are up to N labels for [N, K], each with a class or <paramref name="ignored"/>.</summary>
    private protected static void CheckLabels(Shape output, ReadOnlySpan<int> labels, int? ignored = null)
    {
        if (output.Rank != 2)
            throw new ArgumentException($"Labels need an output [N, K]; got {output}.", nameof(output));
        if (labels.IsEmpty || labels.Length > output[0])
            throw new ArgumentException($"The output is {output}, but there are {labels.Length} labels.", nameof(labels));
        for (int n = 0; n < labels.Length; n++)
        {
            if ((uint)labels[n] >= (uint)output[1] && labels[n] != ignored)
                throw new ArgumentException($"Label {n} is {labels[n]}, but there are {output[1]} classes.", nameof(labels));
        }
    }

    private protected static void CheckForward(Tensor output, ReadOnlySpan<int> labels, Tensor gradient, int? ignored = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(gradient);
        CheckLabels(output.Shape, labels, ignored);
        if (labels.Length != output.Shape[0])
            throw new ArgumentException($"The output is {output.Shape}, but there are {labels.Length} labels.", nameof(labels));
        CheckShape(output.Shape, gradient.Shape, nameof(gradient));
    }

    private protected static void CheckForward(Tensor output, Tensor target, Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(gradient);
        CheckShape(output.Shape, target.Shape, nameof(target));
        CheckShape(output.Shape, gradient.Shape, nameof(gradient));
    }

    private protected static void CheckPerImage(Tensor output, ReadOnlySpan<int> labels, Span<float> losses, int? ignored = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        CheckLabels(output.Shape, labels, ignored);
        if (losses.Length != labels.Length)
            throw new ArgumentException($"There are {labels.Length} labels, but room for {losses.Length} losses.", nameof(losses));
    }

    // The memory order too: elements are compared one by one.
    private static void CheckShape(Shape output, Shape other, string name)
    {
        if (other != output)
            throw new ArgumentException($"The output is {output} in {output.Layout}, its {name} is {other} in {other.Layout}.", name);
    }
}
