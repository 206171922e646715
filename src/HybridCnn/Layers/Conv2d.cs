using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Convolution of images, x [N, IC, H, W] → y [N, OC, OH, OW], as PyTorch's (cross-correlation, zero padding).
/// Parameters: "weight" [OC, IC/groups, KH, KW] and, unless left out, "bias" [OC].
/// </summary>
public sealed class Conv2d : Layer
{
    private const int VectorChannels = 16;

    private readonly (int Height, int Width) _kernelSize, _stride, _dilation;
    private readonly (int Top, int Left, int Bottom, int Right) _padding;
    private readonly int _inChannels, _outChannels, _groups;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly ReluOperator _relu = new();
    private ConvolutionPlan? _plan;
    private Binding _binding;

    /// <summary>Square kernels, the same on every side.</summary>
    /// <param name="inChannels">IC.</param>
    /// <param name="outChannels">OC: how many filters.</param>
    /// <param name="kernelSize">Kernel elements along height and width.</param>
    /// <param name="stride">Input elements from one output to the next.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="dilation">Input elements from one kernel element to the next; 1 = dense.</param>
    /// <param name="groups">Groups of channels that don't see each other; divides both channel counts.</param>
    /// <param name="bias">Whether each filter has a bias.</param>
    /// <param name="random">
    /// Where the initial values come from: uniform within ±1/√(IC/groups·KH·KW), PyTorch's default (He et al., Delving Deep into
    /// Rectifiers, 2015, with a = √5). Null starts a sequence with seed 0, the same in every layer.
    /// </param>
    /// <exception cref="ArgumentException">A value that is out of range or doesn't fit another one; the message names it.</exception>
    public Conv2d(
        int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true, SeededRandom? random = null)
        : this(inChannels, outChannels, (kernelSize, kernelSize), (stride, stride), (padding, padding, padding, padding), (dilation, dilation), groups, bias, random)
    {
    }

    /// <summary>Rectangular kernels and four separate pads.</summary>
    /// <inheritdoc cref="Conv2d(int, int, int, int, int, int, int, bool, SeededRandom?)"/>
    public Conv2d(
        int inChannels, int outChannels, (int Height, int Width) kernelSize, (int Height, int Width)? stride = null,
        (int Top, int Left, int Bottom, int Right) padding = default, (int Height, int Width)? dilation = null, int groups = 1,
        bool bias = true, SeededRandom? random = null)
    {
        _inChannels = AtLeast(1, inChannels, nameof(inChannels));
        _outChannels = AtLeast(1, outChannels, nameof(outChannels));
        _kernelSize = AtLeast(1, kernelSize, nameof(kernelSize));
        _stride = AtLeast(1, stride ?? (1, 1), nameof(stride));
        _dilation = AtLeast(1, dilation ?? (1, 1), nameof(dilation));
        _padding = padding;
        AtLeast(0, (padding.Top, padding.Left), nameof(padding));
        AtLeast(0, (padding.Bottom, padding.Right), nameof(padding));
        _groups = AtLeast(1, groups, nameof(groups));
        if (inChannels % groups != 0)
            throw new ArgumentException($"groups must divide inChannels; got groups = {groups}, inChannels = {inChannels}.", nameof(groups));
        if (outChannels % groups != 0)
            throw new ArgumentException($"groups must divide outChannels; got groups = {groups}, outChannels = {outChannels}.", nameof(groups));

        _weight = new Parameter("weight", new Shape(outChannels, inChannels / groups, kernelSize.Height, kernelSize.Width));
        _bias = bias ? new Parameter("bias", new Shape(outChannels)) : null;
        Parameters = _bias is null ? [_weight] : [_weight, _bias];

        random ??= new SeededRandom(0);
        float bound = 1 / MathF.Sqrt(_weight.Shape.CountPerItem);
        foreach (Parameter parameter in Parameters)
        {
            foreach (ref float value in parameter.Value.Span)
                value = random.NextFloat(-bound, bound);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    internal override ReluFusion ReluFusion => ReluFusion.Forward;

    /// <summary>
    /// How the convolution is computed; null until <see cref="Bind"/>, which plans with default options. The first run in a context
    /// with other options plans anew.
    /// </summary>
    public ConvolutionPlan? Plan => _plan;

    /// <inheritdoc/>
    /// <remarks>
    /// NHWC where vectors of channels are full, and wherever x has it already; NCHW for few or odd channels, but for strided kernels, whose
    /// patches NCHW would gather number by number.
    /// </remarks>
    public override Layout PreferredLayout(Shape input) =>
        _groups == 1 && _outChannels % VectorChannels == 0 && (_inChannels % VectorChannels == 0 || _stride.Width > 1) ? Layout.Nhwc : input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        if (input[1] != _inChannels)
            throw new ArgumentException($"Conv2d was made for {_inChannels} input channels; got {input[1]} in {input}.", nameof(input));
        var dims = Conv2dDims.Create(
            input[0], input[1], input[2], input[3], _outChannels, _kernelSize.Height, _kernelSize.Width, _stride.Height, _stride.Width,
            _padding.Top, _padding.Left, _padding.Bottom, _padding.Right, _dilation.Height, _dilation.Width, _groups, input.Layout);
        Shape output = new Shape(dims.N, dims.OC, dims.OH, dims.OW).In(dims.Layout);
        if (_plan is null || _plan.Dims != dims)
            _plan = new ConvolutionPlan(dims);
        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        PlanFor(context).Forward(x.Span, _weight.Value.Span, _bias is null ? [] : _bias.Value.Span, y.Span, context);
    }

    internal override void ForwardRelu(Tensor x, Tensor y, ComputeContext context)
    {
        Forward(x, y, context);
        _relu.Forward(y, y, context);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        ConvolutionPlan plan = PlanFor(context);
        plan.BackwardWeights(x.Span, dy.Span, _weight.Gradient.Span, _bias is null ? [] : _bias.Gradient.Span, context);
        if (dx is not null)
            plan.BackwardData(dy.Span, _weight.Value.Span, dx.Span, context);
    }

    /// <inheritdoc/>
    public override string Explain() => _plan?.Explain() ?? "";

    private ConvolutionPlan PlanFor(ComputeContext context) => _plan!.Options == context.Options
        ? _plan
        : _plan = new ConvolutionPlan(_plan.Dims, ConvolutionAlgorithm.Automatic, context.Options);

    private static int AtLeast(int minimum, int value, string name) => value >= minimum
        ? value
        : throw new ArgumentException($"{name} must be at least {minimum}; got {value}.", name);

    private static (int Height, int Width) AtLeast(int minimum, (int Height, int Width) value, string name) =>
        (AtLeast(minimum, value.Height, name), AtLeast(minimum, value.Width, name));
}
