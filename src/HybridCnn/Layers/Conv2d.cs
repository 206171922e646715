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
    private readonly ConvolutionSettings _settings;
    private readonly ConvolutionWeights _weights;
    private readonly PlannedConvolution _convolution;
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
        _settings = new ConvolutionSettings(inChannels, outChannels, kernelSize, stride ?? (1, 1), padding, dilation ?? (1, 1), groups);
        _weights = new ConvolutionWeights(new Shape(outChannels, inChannels / groups, kernelSize.Height, kernelSize.Width), outChannels, bias, random);
        _convolution = new PlannedConvolution(_weights);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => _weights.Parameters;

    internal override ReluFusion ReluFusion => ReluFusion.Forward;

    internal override bool BackwardReadsOutput => false;

    internal override bool HasMatrix => true;

    /// <summary>
    /// How the convolution is computed; null until <see cref="Bind"/>, which plans with default options. The first run in a context
    /// with other options plans anew. <see cref="Tune"/> plans by measuring.
    /// </summary>
    public ConvolutionPlan? Plan => _convolution.Plan;

    internal override ConvolutionPlan? PlanOfPasses => Plan;

    internal override PreparedConvolution Prepared(BatchNorm2d? normalization) =>
        new(this, _weights, context => _convolution.PlanFor(context).Prepared(ConvolutionPass.Forward), normalization);

    /// <inheritdoc/>
    /// <remarks>As <see cref="ConvolutionPlan.PreferredLayout(Conv2dDims)"/> says.</remarks>
    public override Layout PreferredLayout(Shape input) =>
        ConvolutionPlan.PreferredLayout(_settings.InChannels, _settings.OutChannels, _settings.Groups, _settings.Stride.Width, input.Layout);

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        InputShape.RequireChannels(this, input, _settings.InChannels);
        Conv2dDims dims = _settings.Over(input);
        Shape output = new Shape(dims.N, dims.OC, dims.OH, dims.OW).In(dims.Layout);
        _convolution.Bind(dims);
        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Tune(ComputeContext context, TuningCache cache, Action<ConvolutionPlan>? tuned = null) =>
        _convolution.Tune(this, context, cache, tuned);

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: false, context);

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) => Forward(x, y, relu: true, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        _convolution.Backward(x, dy, dx, context);
    }

    /// <inheritdoc/>
    public override string Explain() => Plan?.Explain() ?? "";

    private void Forward(Tensor x, Tensor y, bool relu, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _convolution.Forward(x, y, relu, context);
    }
}
