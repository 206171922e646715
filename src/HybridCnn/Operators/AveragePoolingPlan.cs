using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Average pooling of one geometry, forward and backward, as PyTorch's. Immutable, and so shareable between threads. Allocates nothing when it runs;
/// the bits don't depend on the number of threads.
/// </summary>
public sealed class AveragePoolingPlan
{
    private readonly PoolOperator _operator;

    /// <summary>Plans a geometry.</summary>
    /// <param name="dims">The geometry; x and y lie in memory as its layout says.</param>
    /// <param name="countIncludePad">Whether declared padding counts in the divisor; the overhang of ceil mode never does.</param>
    /// <param name="divisorOverride">What every window's sum is divided by instead; null = the rule above.</param>
    /// <exception cref="ArgumentException">The dims are <c>default</c>, or the divisor is below 1.</exception>
    public AveragePoolingPlan(Pool2dDims dims, bool countIncludePad = true, int? divisorOverride = null)
    {
        PoolingArguments.CheckDims(dims);
        if (divisorOverride is { } divisor)
            ArgumentOutOfRangeException.ThrowIfLessThan(divisor, 1, nameof(divisorOverride));
        Dims = dims;
        _operator = dims.Layout == Layout.Nhwc
            ? new AveragePoolNhwcOperator(dims, countIncludePad, divisorOverride ?? 0)
            : new AveragePoolOperator(dims, countIncludePad, divisorOverride ?? 0);
    }

    /// <summary>The geometry.</summary>
    public Pool2dDims Dims { get; }

    /// <summary>Computes y, the means of x. Overwrites y.</summary>
    /// <param name="x">x [N, C, IH, IW].</param>
    /// <param name="y">y [N, C, OH, OW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void Forward(ReadOnlySpan<float> x, Span<float> y, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        PoolingArguments.CheckLength(x.Length, nameof(x), Dims.Input, Dims);
        PoolingArguments.CheckLength(y.Length, nameof(y), Dims.Output, Dims);
        _operator.Forward(x, y, [], context);
    }

    /// <summary>Computes dx, the gradient of the loss by x: every dy is spread over its window. Overwrites dx.</summary>
    /// <param name="dy">dy [N, C, OH, OW].</param>
    /// <param name="dx">dx [N, C, IH, IW].</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void Backward(ReadOnlySpan<float> dy, Span<float> dx, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        PoolingArguments.CheckLength(dy.Length, nameof(dy), Dims.Output, Dims);
        PoolingArguments.CheckLength(dx.Length, nameof(dx), Dims.Input, Dims);
        _operator.Backward(dy, [], dx, context);
    }
}
