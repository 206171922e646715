using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Average pooling with windows that share an image out evenly, in either layout; one call at a time. Threads over planes (NCHW) or images (NHWC).</summary>
internal sealed class AdaptivePooling(Shape input, Shape output)
{
    // An NHWC image is one plane of pixels of C numbers, an NCHW image C planes of pixels of one.
    private readonly int _unit = input.Layout == Layout.Nhwc ? input[1] : 1;
    private readonly int _planes = input.Layout == Layout.Nhwc ? input[0] : input[0] * input[1];
    private readonly (int Height, int Width) _in = (input[2], input[3]), _out = (output[2], output[3]);
    private Tensor? _from, _to;
    private Workspace? _workspace;

    private int Scratch => _in.Width * _unit;

    /// <summary>Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(x, y, context);
        Dispatch.For(context, _planes, input.Count, this, static (self, worker, start, end) =>
        {
            for (int plane = start; plane < end; plane++)
                AdaptiveAveraging.Forward(self._in, self._out, self._unit, Plane(self._from!, self._planes, plane), self._workspace!.Slice(worker, self.Scratch), Plane(self._to!, self._planes, plane));
        });
    }

    /// <summary>Overwrites dx.</summary>
    public void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        using ComputeContext.Claim claim = Prepare(dy, dx, context);
        Dispatch.For(context, _planes, input.Count, this, static (self, worker, start, end) =>
        {
            for (int plane = start; plane < end; plane++)
                AdaptiveAveraging.Backward(self._in, self._out, self._unit, Plane(self._from!, self._planes, plane), self._workspace!.Slice(worker, self.Scratch), Plane(self._to!, self._planes, plane));
        });
    }

    private ComputeContext.Claim Prepare(Tensor from, Tensor to, ComputeContext context)
    {
        ComputeContext.Claim claim = context.Enter();
        (_from, _to, _workspace) = (from, to, context.Workspace);
        _workspace.Reserve(Scratch);
        return claim;
    }

    private static Span<float> Plane(Tensor tensor, int planes, int plane)
    {
        int size = tensor.Shape.Count / planes;
        return tensor.Span.Slice(plane * size, size);
    }
}
