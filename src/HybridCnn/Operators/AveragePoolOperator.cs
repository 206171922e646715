using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Average pooling over a batch of NCHW images, threads over planes; one call at a time. The divisor is <see cref="AveragePooling"/>'s.</summary>
internal sealed class AveragePoolOperator(Pool2dDims dims, bool countIncludePad, int divisorOverride) : PoolOperator
{
    private Tensor? _in, _out;

    /// <summary>y = window means of x. Overwrites y.</summary>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_in, _out) = (x, y);
        Dispatch.For(context, dims.N * dims.C, x.Shape.Count, this, static (self, _, start, end) => self.ForwardPlanes(start, end));
    }

    /// <summary>dx = every dy spread over its window. Overwrites dx.</summary>
    public override void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        (_in, _out) = (dy, dx);
        Dispatch.For(context, dims.N * dims.C, dx.Shape.Count, this, static (self, _, start, end) => self.BackwardPlanes(start, end));
    }

    private void ForwardPlanes(int start, int end)
    {
        int input = dims.IH * dims.IW, output = dims.OH * dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            AveragePooling.Forward(
                dims, countIncludePad, divisorOverride, _in!.Span.Slice(plane * input, input), _out!.Span.Slice(plane * output, output));
        }
    }

    private void BackwardPlanes(int start, int end)
    {
        int input = dims.IH * dims.IW, output = dims.OH * dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            AveragePooling.Backward(
                dims, countIncludePad, divisorOverride, _in!.Span.Slice(plane * output, output), _out!.Span.Slice(plane * input, input));
        }
    }
}
