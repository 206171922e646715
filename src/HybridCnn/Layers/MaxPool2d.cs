using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Maximum over windows, x [N, C, H, W] → y [N, C, OH, OW], in either layout (NHWC: of at most 256 elements). Padding never wins; the first maximum in row-major window order
/// takes the whole gradient; NaN wins over every number. Sizes and ceil mode as in PyTorch (see <see cref="Pool2dDims"/>).
/// </summary>
public sealed class MaxPool2d : Layer
{
    private readonly PoolWindows _windows;
    private readonly bool _ceilMode;
    private MaxPoolingPlan? _plan;
    private int[] _indices = [];
    private Binding _binding;

    /// <summary>Square windows.</summary>
    /// <param name="kernelSize">Taps along height and width.</param>
    /// <param name="stride">Steps from window to window; <paramref name="kernelSize"/> unless given.</param>
    /// <param name="padding">Rows and columns added on every side, at most half of the dilated kernel.</param>
    /// <param name="dilation">Steps from tap to tap; 1 = dense.</param>
    /// <param name="ceilMode">Rounds the output size up.</param>
    public MaxPool2d(int kernelSize, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false)
        : this((kernelSize, kernelSize), stride is { } s ? (s, s) : null, (padding, padding), (dilation, dilation), ceilMode)
    {
    }

    /// <summary>Rectangular windows; each pair is (height, width).</summary>
    /// <inheritdoc cref="MaxPool2d(int, int?, int, int, bool)"/>
    public MaxPool2d(
        (int Height, int Width) kernelSize, (int Height, int Width)? stride = null, (int Height, int Width) padding = default,
        (int Height, int Width)? dilation = null, bool ceilMode = false)
    {
        _windows = new PoolWindows(kernelSize, stride ?? kernelSize, padding, dilation ?? (1, 1), isMax: true);
        _ceilMode = ceilMode;
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
        if (_plan is null || _binding.Input != input)
        {
            _plan = new MaxPoolingPlan(dims);
            _indices = new int[_plan.IndexLength];
        }

        _binding = new Binding(input, dims.Output);
        return dims.Output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _plan!.Forward(x.Span, y.Span, _indices, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _plan!.Backward(dy.Span, _indices, dx.Span, context);
    }
}
