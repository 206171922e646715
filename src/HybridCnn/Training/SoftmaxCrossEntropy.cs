using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// -log softmax(logits)[label], PyTorch's forms: with class weights w and label smoothing s (Szegedy et al., Rethinking the
/// Inception architecture, 2016) the loss of an image is Σ w[k]·((1 - s)·t[k] + s / K)·-log softmax(logits)[k], t being 1 for the
/// label and 0 for the others. The mean over a batch divides by the sum of the labels' weights; ignored images don't count.
/// Where t is given as shares of classes, it divides by N. Stable for logits of any finite size.
/// </summary>
public sealed class SoftmaxCrossEntropy : Loss
{
    private readonly float[] _classWeights;

    /// <summary>Says how images count.</summary>
    /// <param name="labelSmoothing">How much of the target is spread over all classes, from 0 to 1.</param>
    /// <param name="classWeights">A factor for each class, finite and not negative; null for 1. Copied.</param>
    /// <param name="ignoredLabel">A label whose images add neither loss nor gradient; it need not be a class. Null for none.</param>
    /// <exception cref="ArgumentException">A number out of range.</exception>
    public SoftmaxCrossEntropy(float labelSmoothing = 0, IReadOnlyList<float>? classWeights = null, int? ignoredLabel = null)
    {
        if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
            throw new ArgumentOutOfRangeException(nameof(labelSmoothing), labelSmoothing, "Must be from 0 to 1.");
        _classWeights = [.. classWeights ?? []];
        if (classWeights is { Count: 0 })
            throw new ArgumentException("Class weights need one factor for each class; got none.", nameof(classWeights));
        for (int k = 0; k < _classWeights.Length; k++)
        {
            if (!(_classWeights[k] >= 0 && float.IsFinite(_classWeights[k])))
                throw new ArgumentException($"The weight of class {k} is {_classWeights[k]}; it must be finite and not negative.", nameof(classWeights));
        }

        LabelSmoothing = labelSmoothing;
        IgnoredLabel = ignoredLabel;
    }

    /// <summary>How much of the target is spread over all classes.</summary>
    public float LabelSmoothing { get; }

    /// <summary>A factor for each class; empty for 1.</summary>
    public IReadOnlyList<float> ClassWeights => _classWeights;

    /// <summary>A label whose images don't count; null for none.</summary>
    public int? IgnoredLabel { get; }

    /// <inheritdoc/>
    /// <remarks>Where every image is ignored or of weight 0, loss and gradient are 0.</remarks>
    public override float Forward(Tensor output, ReadOnlySpan<int> labels, Tensor gradient)
    {
        CheckForward(output, labels, gradient, IgnoredLabel);
        RequireOutput(output.Shape);
        double total = 0;
        foreach (int label in labels)
            total += WeightOf(label);
        double sum = 0, scale = total > 0 ? 1 / total : 0;
        for (int n = 0; n < labels.Length; n++)
        {
            if (labels[n] == IgnoredLabel)
                gradient.Item(n).Clear();
            else
                sum += Softmax.CrossEntropy(output.Item(n), Target(labels[n], output.Shape), scale, gradient.Item(n));
        }

        return (float)(sum * scale);
    }

    /// <inheritdoc/>
    /// <remarks>The target [N, K] holds shares of classes, which add up to 1 in each row, as of mixed images. No label is ignored.</remarks>
    public override float Forward(Tensor output, Tensor target, Tensor gradient)
    {
        CheckForward(output, target, gradient);
        RequireOutput(output.Shape);
        double sum = 0, scale = 1.0 / output.Shape[0];
        for (int n = 0; n < output.Shape[0]; n++)
            sum += Softmax.CrossEntropy(output.Item(n), new ClassTarget(target.Item(n), LabelSmoothing, _classWeights), scale, gradient.Item(n));
        return (float)(sum * scale);
    }

    /// <inheritdoc/>
    /// <remarks>With the classes' weights; 0 for an ignored image.</remarks>
    public override void PerImage(Tensor output, ReadOnlySpan<int> labels, Span<float> losses)
    {
        CheckPerImage(output, labels, losses, IgnoredLabel);
        RequireOutput(output.Shape);
        for (int n = 0; n < labels.Length; n++)
            losses[n] = labels[n] == IgnoredLabel ? 0 : (float)Softmax.CrossEntropy(output.Item(n), Target(labels[n], output.Shape), 1, []);
    }

    internal override void RequireOutput(Shape output)
    {
        if (output.Rank != 2)
            throw new ArgumentException($"Logits are [N, K]; got {output}.", nameof(output));
        if (_classWeights.Length > 0 && _classWeights.Length != output[1])
            throw new ArgumentException($"There are {_classWeights.Length} class weights, but the logits are {output}.", nameof(output));
    }

    private ClassTarget Target(int label, Shape output) => new(label, output[1], LabelSmoothing, _classWeights);

    private double WeightOf(int label) => label == IgnoredLabel ? 0 : _classWeights.Length == 0 ? 1 : _classWeights[label];
}
