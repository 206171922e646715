using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Max pooling of NCHW images. Owns the positions of the maxima, which the backward pass needs.</summary>
internal sealed class MaxPoolOperator(Pool2dDims dims) : PoolOperator(dims, MaxPooling.Scratch(dims))
{
    private readonly int[] _argmax = new int[dims.Output.Count];

    /// <summary>Per output the position ih * IW + iw of its maximum, from the latest forward pass.</summary>
    public ReadOnlySpan<int> Argmax => _argmax;

    /// <inheritdoc/>
    protected override void Forward(Tensor x, Tensor y, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
        {
            MaxPooling.Forward(
                Dims, x.Span.Slice(plane * input, input), scratch, y.Span.Slice(plane * output, output), _argmax.AsSpan(plane * output, output));
        }
    }

    /// <inheritdoc/>
    protected override void Backward(Tensor dy, Tensor dx, Span<float> scratch, int start, int end)
    {
        int input = Dims.IH * Dims.IW, output = Dims.OH * Dims.OW;
        for (int plane = start; plane < end; plane++)
            MaxPooling.Backward(Dims, dy.Span.Slice(plane * output, output), _argmax.AsSpan(plane * output, output), dx.Span.Slice(plane * input, input));
    }
}
