using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Enlarges images in either layout; one call at a time. Threads over planes (NCHW) or images (NHWC). Both modes are weighted sums of two pixels along each side: rows first, whole ones
/// at a time, and then columns.
/// </summary>
internal sealed class UpsampleOperator(Shape input, Shape output, bool isBilinear)
{
    private readonly int _unit = input.Layout == Layout.Nhwc ? input[1] : 1;
    private readonly int _planes = input.Layout == Layout.Nhwc ? input[0] : input[0] * input[1];
    private readonly Interpolation[] _rows = Interpolation.Along(input[2], output[2], isBilinear), _columns = Interpolation.Along(input[3], output[3], isBilinear);
    private Tensor? _small, _large;
    private Workspace? _workspace;

    private int Line => input[3] * _unit;

    /// <summary>Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(x, y, context);
        Dispatch.For(context, _planes, output.Count, this, static (self, worker, start, end) =>
        {
            for (int plane = start; plane < end; plane++)
                Upsampling.Forward(self._rows, self._columns, self._unit, self.Small(plane), self._workspace!.Slice(worker, self.Line), self.Large(plane));
        });
    }

    /// <summary>Overwrites dx.</summary>
    public void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(dx, dy, context);
        Dispatch.For(context, _planes, output.Count, this, static (self, worker, start, end) =>
        {
            for (int plane = start; plane < end; plane++)
                Upsampling.Backward(self._rows, self._columns, self._unit, self.Large(plane), self._workspace!.Slice(worker, self.Line), self.Small(plane));
        });
    }

    private ComputeContext.Claim Prepare(Tensor small, Tensor large, ComputeContext context)
    {
        ComputeContext.Claim claim = context.Enter();
        (_small, _large, _workspace) = (small, large, context.Workspace);
        _workspace.Reserve(Line);
        return claim;
    }

    private Span<float> Small(int plane) => _small!.Span.Slice(plane * (input.Count / _planes), input.Count / _planes);

    private Span<float> Large(int plane) => _large!.Span.Slice(plane * (output.Count / _planes), output.Count / _planes);
}
