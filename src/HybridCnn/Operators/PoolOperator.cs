using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Pooling of a batch of images, in the layout of its dims; one call at a time.</summary>
internal abstract class PoolOperator
{
    /// <summary>Max pooling.</summary>
    /// <exception cref="ArgumentException">NHWC, and <see cref="PoolNhwcOperator.Refusal"/> has a reason.</exception>
    public static PoolOperator Max(Pool2dDims dims) => dims.Layout == Layout.Nhwc ? new PoolNhwcOperator(dims) : new MaxPoolOperator(dims);

    /// <summary>Average pooling, with the divisor of <see cref="Kernels.AveragePooling"/>.</summary>
    /// <inheritdoc cref="Max"/>
    public static PoolOperator Average(Pool2dDims dims, bool countIncludePad, int divisorOverride) => dims.Layout == Layout.Nhwc
        ? new PoolNhwcOperator(dims, (countIncludePad, divisorOverride))
        : new AveragePoolOperator(dims, countIncludePad, divisorOverride);

    /// <summary>y = window maxima or means of x. Overwrites y.</summary>
    public abstract void Forward(Tensor x, Tensor y, ComputeContext context);

    /// <summary>dx = every dy brought back to its maximum of the latest <see cref="Forward"/>, or spread over its window. Overwrites dx.</summary>
    public abstract void Backward(Tensor dy, Tensor dx, ComputeContext context);
}
