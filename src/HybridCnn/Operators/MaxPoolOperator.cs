using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Max pooling over a batch of NCHW images, threads over planes. Owns the positions of the maxima, which the backward pass needs; one call at
/// a time.
/// </summary>
internal sealed class MaxPoolOperator(Pool2dDims dims) : PoolOperator
{
    private readonly int[] _argmax = new int[dims.Output.Count];
    private Tensor? _in, _out;

    /// <summary>Per output the position ih * IW + iw of its maximum, from the latest <see cref="Forward"/>.</summary>
    public ReadOnlySpan<int> Argmax => _argmax;

    /// <summary>y = window maxima of x. Overwrites y.</summary>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_in, _out) = (x, y);
        Dispatch.For(context, dims.N * dims.C, x.Shape.Count, this, static (self, _, start, end) => self.ForwardPlanes(start, end));
    }

    /// <summary>dx = dy brought back to where the maxima were. Overwrites dx.</summary>
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
            MaxPooling.Forward(
                dims, _in!.Span.Slice(plane * input, input), _out!.Span.Slice(plane * output, output), _argmax.AsSpan(plane * output, output));
        }
    }

    private void BackwardPlanes(int start, int end)
    {
        int input = dims.IH * dims.IW, output = dims.OH * dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            MaxPooling.Backward(
                dims, _in!.Span.Slice(plane * output, output), _argmax.AsSpan(plane * output, output), _out!.Span.Slice(plane * input, input));
        }
    }
}
