using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Max pooling of one geometry, forward and backward, as PyTorch's: padding never wins, the first maximum in row-major window order takes the whole
/// gradient, NaN wins over every number. Immutable, and so shareable between threads: where the maxima were is the caller's to keep. Allocates
/// nothing when it runs; the bits don't depend on the number of threads.
/// </summary>
public sealed class MaxPoolingPlan
{
    private readonly PoolOperator _operator;

    /// <summary>Plans a geometry.</summary>
    /// <param name="dims">The geometry; x and y lie in memory as its layout says.</param>
    /// <exception cref="ArgumentException">The dims are <c>default</c>, or NHWC with windows of more than 256 elements.</exception>
    public MaxPoolingPlan(Pool2dDims dims)
    {
        PoolingArguments.CheckDims(dims);
        if (dims.Layout == Layout.Nhwc && MaxPoolNhwcOperator.Refusal(dims) is { } reason)
            throw new ArgumentException($"{dims}: {reason}.", nameof(dims));
        Dims = dims;
        _operator = dims.Layout == Layout.Nhwc ? new MaxPoolNhwcOperator(dims) : new MaxPoolOperator(dims);
    }

    /// <summary>The geometry.</summary>
    public Pool2dDims Dims { get; }

    /// <summary>
    /// How many integers hold where the maxima of a batch were. NCHW: one for each output, PyTorch's index ih·IW + iw in the plane. NHWC: a quarter of
    /// that, as a byte for each output says which element of the window it was.
    /// </summary>
    public int IndexLength => Dims.Layout == Layout.Nhwc ? (Dims.Output.Count - 1) / sizeof(int) + 1 : Dims.Output.Count;

    /// <summary>Computes y and where its maxima were. Overwrites both.</summary>
    /// <param name="x">x [N, C, IH, IW].</param>
    /// <param name="y">y [N, C, OH, OW].</param>
    /// <param name="indices">So many integers as <see cref="IndexLength"/> says; <see cref="Backward"/> wants them.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void Forward(ReadOnlySpan<float> x, Span<float> y, Span<int> indices, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        PoolingArguments.CheckLength(x.Length, nameof(x), Dims.Input, Dims);
        PoolingArguments.CheckLength(y.Length, nameof(y), Dims.Output, Dims);
        CheckIndices(indices.Length, nameof(indices));
        _operator.Forward(x, y, indices, context);
    }

    /// <summary>Computes dx, the gradient of the loss by x: every dy is added where its maximum was. Overwrites dx.</summary>
    /// <param name="dy">dy [N, C, OH, OW].</param>
    /// <param name="indices">As <see cref="Forward"/> wrote them.</param>
    /// <param name="dx">dx [N, C, IH, IW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    /// <exception cref="IndexOutOfRangeException">An index lies outside of its plane: it isn't one that <see cref="Forward"/> wrote.</exception>
    public void Backward(ReadOnlySpan<float> dy, ReadOnlySpan<int> indices, Span<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        PoolingArguments.CheckLength(dy.Length, nameof(dy), Dims.Output, Dims);
        CheckIndices(indices.Length, nameof(indices));
        PoolingArguments.CheckLength(dx.Length, nameof(dx), Dims.Input, Dims);
        _operator.Backward(dy, indices, dx, context);
    }

    private void CheckIndices(int given, string name)
    {
        if (given != IndexLength)
            throw new ArgumentException($"{name} of {Dims} must have {IndexLength} elements (IndexLength); got {given}.", name);
    }
}
