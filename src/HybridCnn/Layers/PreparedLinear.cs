using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A fully connected layer as <see cref="Network.Predict"/> runs it: the weights are turned as the product reads them, once, until somebody may have written
/// to them (<see cref="Tensor.Version"/>).
/// </summary>
internal sealed class PreparedLinear(Linear linear) : Layer
{
    private Tensor? _panels;
    private long _version;

    internal override string Kind => nameof(Linear);

    /// <summary>It stands for a layer that is bound.</summary>
    public override Shape Bind(Shape input) => throw new NotSupportedException("Bind the layer itself.");

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Run(x, y, relu: false, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context) =>
        throw new NotSupportedException("Prediction has no backward pass.");

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) => Run(x, y, relu: true, context);

    private void Run(Tensor x, Tensor y, bool relu, ComputeContext context)
    {
        int floats = linear.Product!.PreparedFloats;
        if (floats == 0)
        {
            linear.Product.Forward(x, linear.Weight, linear.Bias, relu, y, context);
            return;
        }

        if (_panels is null || _version != linear.Weight.Version)
        {
            // What is seen now is what counts as prepared, whatever is written meanwhile.
            long version = linear.Weight.Version;
            _panels ??= new Tensor(new Shape(floats));
            linear.Product.Prepare(linear.Weight.ReadOnlySpan, _panels.Span);
            _version = version;
        }

        linear.Product.ForwardPrepared(x, _panels, linear.Bias, relu, y, context);
    }
}
