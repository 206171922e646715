using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The plans' passes on the tensors of System.Numerics.Tensors, without a copy. Lengths are always [N, C, H, W]; the strides say the memory order, and
/// must be those of the plan's layout: of a dense tensor for NCHW, [H·W·C, 1, W·C, C] for NHWC, PyTorch's channels_last. Weights are dense; a bias
/// or its gradient may be <c>default</c>, for none. Whatever else is passed, a slice with gaps for one, is an <see cref="ArgumentException"/> that names
/// the argument, both lengths and both strides: no pass copies unasked.
/// </summary>
public static class TensorSpanExtensions
{
    /// <inheritdoc cref="ConvolutionPlan.Forward"/>
    public static void Forward(
        this ConvolutionPlan plan, in ReadOnlyTensorSpan<float> x, in ReadOnlyTensorSpan<float> weights, in ReadOnlyTensorSpan<float> bias,
        in TensorSpan<float> y, ComputeContext context, bool relu = false)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Conv2dDims d = plan.Dims;
        plan.Forward(
            Elements(x, nameof(x), X(d)), Elements(weights, nameof(weights), Weights(d)), bias.IsEmpty ? [] : Elements(bias, nameof(bias), new Shape(d.OC)),
            Elements(y, nameof(y), Y(d)), context, relu);
    }

    /// <inheritdoc cref="ConvolutionPlan.BackwardData"/>
    public static void BackwardData(
        this ConvolutionPlan plan, in ReadOnlyTensorSpan<float> dy, in ReadOnlyTensorSpan<float> weights, in TensorSpan<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Conv2dDims d = plan.Dims;
        plan.BackwardData(Elements(dy, nameof(dy), Y(d)), Elements(weights, nameof(weights), Weights(d)), Elements(dx, nameof(dx), X(d)), context);
    }

    /// <inheritdoc cref="ConvolutionPlan.BackwardWeights"/>
    public static void BackwardWeights(
        this ConvolutionPlan plan, in ReadOnlyTensorSpan<float> x, in ReadOnlyTensorSpan<float> dy, in TensorSpan<float> dWeights,
        in TensorSpan<float> dBias, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Conv2dDims d = plan.Dims;
        plan.BackwardWeights(
            Elements(x, nameof(x), X(d)), Elements(dy, nameof(dy), Y(d)), Elements(dWeights, nameof(dWeights), Weights(d)),
            dBias.IsEmpty ? [] : Elements(dBias, nameof(dBias), new Shape(d.OC)), context);
    }

    /// <inheritdoc cref="TransposedConvolutionPlan.Forward"/>
    public static void Forward(
        this TransposedConvolutionPlan plan, in ReadOnlyTensorSpan<float> x, in ReadOnlyTensorSpan<float> weights, in ReadOnlyTensorSpan<float> bias,
        in TensorSpan<float> y, ComputeContext context, bool relu = false)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Conv2dDims d = plan.Dims.Convolution;
        plan.Forward(
            Elements(x, nameof(x), Y(d)), Elements(weights, nameof(weights), Weights(d)), bias.IsEmpty ? [] : Elements(bias, nameof(bias), new Shape(d.IC)),
            Elements(y, nameof(y), X(d)), context, relu);
    }

    /// <inheritdoc cref="TransposedConvolutionPlan.BackwardData"/>
    public static void BackwardData(
        this TransposedConvolutionPlan plan, in ReadOnlyTensorSpan<float> dy, in ReadOnlyTensorSpan<float> weights, in TensorSpan<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Conv2dDims d = plan.Dims.Convolution;
        plan.BackwardData(Elements(dy, nameof(dy), X(d)), Elements(weights, nameof(weights), Weights(d)), Elements(dx, nameof(dx), Y(d)), context);
    }

    /// <inheritdoc cref="TransposedConvolutionPlan.BackwardWeights"/>
    public static void BackwardWeights(
        this TransposedConvolutionPlan plan, in ReadOnlyTensorSpan<float> x, in ReadOnlyTensorSpan<float> dy, in TensorSpan<float> dWeights,
        in TensorSpan<float> dBias, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Conv2dDims d = plan.Dims.Convolution;
        plan.BackwardWeights(
            Elements(x, nameof(x), Y(d)), Elements(dy, nameof(dy), X(d)), Elements(dWeights, nameof(dWeights), Weights(d)),
            dBias.IsEmpty ? [] : Elements(dBias, nameof(dBias), new Shape(d.IC)), context);
    }

    /// <inheritdoc cref="MaxPoolingPlan.Forward"/>
    public static void Forward(
        this MaxPoolingPlan plan, in ReadOnlyTensorSpan<float> x, in TensorSpan<float> y, Span<int> indices, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Forward(Elements(x, nameof(x), plan.Dims.Input), Elements(y, nameof(y), plan.Dims.Output), indices, context);
    }

    /// <inheritdoc cref="MaxPoolingPlan.Backward"/>
    public static void Backward(
        this MaxPoolingPlan plan, in ReadOnlyTensorSpan<float> dy, ReadOnlySpan<int> indices, in TensorSpan<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Backward(Elements(dy, nameof(dy), plan.Dims.Output), indices, Elements(dx, nameof(dx), plan.Dims.Input), context);
    }

    /// <inheritdoc cref="AveragePoolingPlan.Forward"/>
    public static void Forward(this AveragePoolingPlan plan, in ReadOnlyTensorSpan<float> x, in TensorSpan<float> y, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Forward(Elements(x, nameof(x), plan.Dims.Input), Elements(y, nameof(y), plan.Dims.Output), context);
    }

    /// <inheritdoc cref="AveragePoolingPlan.Backward"/>
    public static void Backward(this AveragePoolingPlan plan, in ReadOnlyTensorSpan<float> dy, in TensorSpan<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Backward(Elements(dy, nameof(dy), plan.Dims.Output), Elements(dx, nameof(dx), plan.Dims.Input), context);
    }

    private static Shape X(in Conv2dDims d) => new Shape(d.N, d.IC, d.IH, d.IW).In(d.Layout);

    private static Shape Y(in Conv2dDims d) => new Shape(d.N, d.OC, d.OH, d.OW).In(d.Layout);

    private static Shape Weights(in Conv2dDims d) => new(d.OC, d.ICPerGroup, d.KH, d.KW);

    private static ReadOnlySpan<float> Elements(in ReadOnlyTensorSpan<float> tensor, string name, Shape shape)
    {
        Check(tensor.Lengths, tensor.Strides, name, shape);
        return MemoryMarshal.CreateReadOnlySpan(in tensor.GetPinnableReference(), shape.Count);
    }

    private static Span<float> Elements(in TensorSpan<float> tensor, string name, Shape shape)
    {
        Check(tensor.Lengths, tensor.Strides, name, shape);
        return MemoryMarshal.CreateSpan(ref tensor.GetPinnableReference(), shape.Count);
    }

    // A tensor of these lengths and strides holds so many elements one behind the other; its constructor has seen to it that they are there.
    private static void Check(ReadOnlySpan<nint> lengths, ReadOnlySpan<nint> strides, string name, Shape shape)
    {
        Span<nint> dense = stackalloc nint[shape.Rank];
        FillStrides(shape, dense);
        bool fits = lengths.Length == shape.Rank;
        for (int axis = 0; fits && axis < shape.Rank; axis++)
            fits = lengths[axis] == shape[axis] && (shape[axis] == 1 || strides[axis] == dense[axis]);
        if (!fits)
        {
            throw new ArgumentException(
                $"{name} must be {shape} with strides {Text(dense)}; got {Text(lengths)} with strides {Text(strides)}. Nothing is copied unasked: copy it into a tensor of that shape.",
                name);
        }
    }

    // As a TensorSpan counts them: an axis of one element has none.
    private static void FillStrides(Shape shape, Span<nint> strides)
    {
        ReadOnlySpan<int> outerToInner = shape.Layout == Layout.Nhwc ? [0, 2, 3, 1] : [0, 1, 2, 3];
        nint stride = 1;
        for (int i = shape.Rank - 1; i >= 0; i--)
        {
            int axis = outerToInner[i];
            strides[axis] = shape[axis] == 1 ? 0 : stride;
            stride *= shape[axis];
        }
    }

    private static string Text(ReadOnlySpan<nint> numbers) => $"[{string.Join(", ", numbers.ToArray())}]";
}
