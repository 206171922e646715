using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Pooling of a batch of images, in the layout of its dims; one call at a time. Threads over planes (NCHW) or rows (NHWC). Each is written by
/// one worker: the bits don't depend on their number.
/// </summary>
/// <param name="dims">The geometry.</param>
/// <param name="scratch">Floats of scratch memory that a worker needs.</param>
internal abstract class PoolOperator(Pool2dDims dims, int scratch)
{
    private Tensor? _in, _out;
    private Workspace? _workspace;

    /// <summary>The geometry.</summary>
    protected Pool2dDims Dims { get; } = dims;

    /// <summary>How many pieces a forward pass falls into: planes or output rows, counted over all images.</summary>
    protected virtual int ForwardItems => Dims.N * (IsNhwc ? Dims.OH : Dims.C);

    private bool IsNhwc => Dims.Layout == Layout.Nhwc;

    /// <summary>Max pooling.</summary>
    /// <exception cref="ArgumentException">NHWC, and <see cref="MaxPoolNhwcOperator.Refusal"/> has a reason.</exception>
    public static PoolOperator Max(Pool2dDims dims) => dims.Layout == Layout.Nhwc ? new MaxPoolNhwcOperator(dims) : new MaxPoolOperator(dims);

    /// <summary>Average pooling, with the divisor of <see cref="Kernels.AveragePooling"/>.</summary>
    public static PoolOperator Average(Pool2dDims dims, bool countIncludePad, int divisorOverride) => dims.Layout == Layout.Nhwc
        ? new AveragePoolNhwcOperator(dims, countIncludePad, divisorOverride)
        : new AveragePoolOperator(dims, countIncludePad, divisorOverride);

    /// <summary>y = window maxima or means of x. Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(x, y, context);
        Dispatch.For(context, ForwardItems, x.Shape.Count, this, static (self, worker, start, end) =>
            self.Forward(self._in!, self._out!, self.Scratch(worker), start, end));
    }

    /// <summary>dx = every dy brought back to its maximum of the latest <see cref="Forward(Tensor, Tensor, ComputeContext)"/>, or spread over its window. Overwrites dx.</summary>
    public void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(dy, dx, context);
        Dispatch.For(context, Dims.N * (IsNhwc ? Dims.IH : Dims.C), dx.Shape.Count, this, static (self, worker, start, end) =>
            self.Backward(self._in!, self._out!, self.Scratch(worker), start, end));
    }

    /// <summary>Some of the <see cref="ForwardItems"/>.</summary>
    protected abstract void Forward(Tensor x, Tensor y, Span<float> scratch, int start, int end);

    /// <summary>Planes or input rows, counted over all images.</summary>
    protected abstract void Backward(Tensor dy, Tensor dx, Span<float> scratch, int start, int end);

    private ComputeContext.Claim Prepare(Tensor input, Tensor output, ComputeContext context)
    {
        ComputeContext.Claim claim = context.Enter();
        (_in, _out, _workspace) = (input, output, context.Workspace);
        _workspace.Reserve(scratch);
        return claim;
    }

    private Span<float> Scratch(int worker) => _workspace!.Slice(worker, scratch);
}
