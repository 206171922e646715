using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Mean over windows, x [N, C, H, W] → y [N, C, OH, OW], in either layout. Sizes, ceil mode and divisor as in PyTorch (see
/// <see cref="Pool2dDims"/>): with <c>countIncludePad</c> declared padding counts, the overhang of ceil mode never does.
/// </summary>
public sealed class AveragePool2d : Layer
{
    private readonly PoolWindows _windows;
    private readonly bool _ceilMode;
    private readonly bool _countIncludePad;
    private readonly int? _divisorOverride;
    private AveragePoolingPlan? _plan;
    private Binding _binding;

    /// <summary>Square windows.</summary>
    /// <param name="kernelSize">Taps along height and width.</param>
    /// <param name="stride">Steps from window to window; <paramref name="kernelSize"/> unless given.</param>
    /// <param name="padding">Rows and columns of zeros added on every side, at most half of the kernel.</param>
    /// <param name="ceilMode">Rounds the output size up.</param>
    /// <param name="countIncludePad">Whether padding counts in the divisor.</param>
    /// <param name="divisorOverride">What every window's sum is divided by instead; null = the rule above.</param>
    public AveragePool2d(
        int kernelSize, int? stride = null, int padding = 0, bool ceilMode = false, bool countIncludePad = true, int? divisorOverride = null)
        : this((kernelSize, kernelSize), stride is { } s ? (s, s) : null, (padding, padding), ceilMode, countIncludePad, divisorOverride)
    {
    }

    /// <summary>Rectangular windows; each pair is (height, width).</summary>
    /// <inheritdoc cref="AveragePool2d(int, int?, int, bool, bool, int?)"/>
    public AveragePool2d(
        (int Height, int Width) kernelSize, (int Height, int Width)? stride = null, (int Height, int Width) padding = default,
        bool ceilMode = false, bool countIncludePad = true, int? divisorOverride = null)
    {
        if (divisorOverride is { } divisor)
            ArgumentOutOfRangeException.ThrowIfLessThan(divisor, 1, nameof(divisorOverride));
        _windows = new PoolWindows(kernelSize, stride ?? kernelSize, padding, (1, 1), isMax: false);
        _ceilMode = ceilMode;
        _countIncludePad = countIncludePad;
        _divisorOverride = divisorOverride;
    }

    /// <summary>The geometry bound to; null until then.</summary>
    internal Pool2dDims? Dims => _plan?.Dims;

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => _windows.LayoutFor(input);

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        Pool2dDims dims = _windows.Over(input, _ceilMode);
        _plan = new AveragePoolingPlan(dims, _countIncludePad, _divisorOverride);
        _binding = new Binding(input, dims.Output);
        return dims.Output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _plan!.Forward(x.Span, y.Span, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _plan!.Backward(dy.Span, dx.Span, context);
    }
}
