using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// A loss that compares single elements, and is their mean over the whole output, PyTorch's form. Labels stand for a target of 1
/// at the label and 0 elsewhere.
/// </summary>
public abstract class ElementwiseLoss : Loss
{
    private float[] _row = [];

    private protected ElementwiseLoss()
    {
    }

    /// <inheritdoc/>
    public sealed override float Forward(Tensor output, ReadOnlySpan<int> labels, Tensor gradient)
    {
        CheckForward(output, labels, gradient);
        double sum = 0;
        for (int n = 0; n < labels.Length; n++)
            sum += RowSum(output.Item(n), labels[n], 1f / output.Shape.Count, gradient.Item(n));
        return (float)(sum / output.Shape.Count);
    }

    /// <inheritdoc/>
    public sealed override float Forward(Tensor output, Tensor target, Tensor gradient)
    {
        CheckForward(output, target, gradient);
        return (float)(Sum(output.Span, target.Span, 1f / output.Shape.Count, gradient.Span) / output.Shape.Count);
    }

    /// <inheritdoc/>
    /// <remarks>The mean over the image's elements.</remarks>
    public sealed override void PerImage(Tensor output, ReadOnlySpan<int> labels, Span<float> losses)
    {
        CheckPerImage(output, labels, losses);
        for (int n = 0; n < labels.Length; n++)
            losses[n] = (float)(RowSum(output.Item(n), labels[n], 1, []) / output.Shape[1]);
    }

    /// <summary>The sum over a run of elements, and the gradient: slope·scale, where dx is not empty.</summary>
    private protected abstract double Sum(ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx);

    private double RowSum(ReadOnlySpan<float> x, int label, float scale, Span<float> dx)
    {
        if (_row.Length != x.Length)
            _row = new float[x.Length];
        _row[label] = 1;
        double sum = Sum(x, _row, scale, dx);
        _row[label] = 0;
        return sum;
    }
}
