using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Transposed convolution of images, x [N, IC, H, W] → y [N, OC, OH, OW], as PyTorch's: with a stride it makes images larger.
/// OH is (H − 1)·stride − pads + (KH − 1)·dilation + 1 + outputPadding, OW likewise.
/// Parameters: "weight" [IC, OC/groups, KH, KW] and, unless left out, "bias" [OC].
/// </summary>
public sealed class ConvTranspose2d : Layer
{
    private const int VectorChannels = 16;

    private readonly ConvolutionSettings _settings;
    private readonly (int Height, int Width) _outputPadding;
    private readonly ConvolutionWeights _weights;
    private TransposedConvolutionPlan? _plan;
    private Binding _binding;

    /// <summary>Square kernels, the same on every side.</summary>
    /// <param name="inChannels">IC.</param>
    /// <param name="outChannels">OC.</param>
    /// <param name="kernelSize">Kernel elements along height and width.</param>
    /// <param name="stride">Output elements from one input to the next.</param>
    /// <param name="padding">Elements cut from y on every side.</param>
    /// <param name="outputPadding">Elements at the bottom and the right that are not cut, or added; less than stride and padding together.</param>
    /// <param name="dilation">Output elements from one kernel element to the next; 1 = dense.</param>
    /// <param name="groups">Groups of channels that don't see each other; divides both channel counts.</param>
    /// <param name="bias">Whether each output channel has a bias.</param>
    /// <param name="random">Where the initial values come from, uniform within ±1/√(OC/groups·KH·KW); null starts a sequence with seed 0, the same in every layer.</param>
    /// <exception cref="ArgumentException">A value that is out of range or doesn't fit another one; the message names it.</exception>
    public ConvTranspose2d(
        int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1,
        bool bias = true, SeededRandom? random = null)
        : this(
            inChannels, outChannels, (kernelSize, kernelSize), (stride, stride), (padding, padding, padding, padding), (outputPadding, outputPadding),
            (dilation, dilation), groups, bias, random)
    {
    }

    /// <summary>Rectangular kernels and four separate pads.</summary>
    /// <inheritdoc cref="ConvTranspose2d(int, int, int, int, int, int, int, int, bool, SeededRandom?)"/>
    public ConvTranspose2d(
        int inChannels, int outChannels, (int Height, int Width) kernelSize, (int Height, int Width)? stride = null,
        (int Top, int Left, int Bottom, int Right) padding = default, (int Height, int Width) outputPadding = default,
        (int Height, int Width)? dilation = null, int groups = 1, bool bias = true, SeededRandom? random = null)
    {
        _settings = new ConvolutionSettings(inChannels, outChannels, kernelSize, stride ?? (1, 1), padding, dilation ?? (1, 1), groups);
        _outputPadding = ConvolutionSettings.AtLeast(0, outputPadding, nameof(outputPadding));
        _weights = new ConvolutionWeights(new Shape(inChannels, outChannels / groups, kernelSize.Height, kernelSize.Width), outChannels, bias, random);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => _weights.Parameters;

    /// <summary>
    /// How it is computed; null until <see cref="Bind"/>, which plans with default options. The first run in a context with other
    /// options plans anew.
    /// </summary>
    public TransposedConvolutionPlan? Plan => _plan;

    internal override long Flops => _plan?.Dims.Convolution.Flops ?? 0;

    /// <inheritdoc/>
    /// <remarks>NHWC where vectors of channels are full on both sides, and wherever x has it already.</remarks>
    public override Layout PreferredLayout(Shape input) =>
        _settings.Groups == 1 && _settings.InChannels % VectorChannels == 0 && _settings.OutChannels % VectorChannels == 0 ? Layout.Nhwc : input.Layout;

    internal override PreparedConvolution Prepared(BatchNorm2d? normalization) => new(this, _weights, context => PlanFor(context).PreparedForward, normalization);

    internal override ReluFusion ReluFusion => ReluFusion.Forward;

    internal override bool BackwardReadsOutput => false;

    internal override bool HasMatrix => true;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireImages(this, input);
        InputShape.RequireChannels(this, input, _settings.InChannels);
        var dims = ConvTranspose2dDims.Create(
            input[0], input[1], input[2], input[3], _settings.OutChannels, _settings.Kernel.Height, _settings.Kernel.Width,
            _settings.Stride.Height, _settings.Stride.Width,
            _settings.Padding.Top, _settings.Padding.Left, _settings.Padding.Bottom, _settings.Padding.Right,
            _outputPadding.Height, _outputPadding.Width, _settings.Dilation.Height, _settings.Dilation.Width, _settings.Groups, input.Layout);
        Shape output = new Shape(dims.N, dims.OC, dims.OH, dims.OW).In(dims.Layout);
        if (_plan is null || _plan.Dims != dims)
            _plan = new TransposedConvolutionPlan(dims);
        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Tune(ComputeContext context, TuningCache cache, Action<ConvolutionPlan>? tuned = null)
    {
        if (_plan is null)
            throw new InvalidOperationException("ConvTranspose2d isn't bound to a shape; call Bind first.");
        _plan = TransposedConvolutionPlan.Tune(_plan.Dims, context, cache);
        tuned?.Invoke(_plan.Convolution);
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: false, context);

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) => Forward(x, y, relu: true, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        TransposedConvolutionPlan plan = PlanFor(context);
        plan.BackwardWeights(x.Span, dy.Span, _weights.WeightGradient, _weights.BiasGradient, context);
        context.NoteWeightsDone();
        if (dx is not null)
            plan.BackwardData(dy.Span, _weights.Weight, dx.Span, context);
    }

    /// <inheritdoc/>
    public override string Explain() => Plan?.Explain() ?? "";

    private void Forward(Tensor x, Tensor y, bool relu, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        PlanFor(context).Forward(x.Span, _weights.Weight, _weights.Bias, y.Span, context, relu);
    }

    private TransposedConvolutionPlan PlanFor(ComputeContext context) => _plan!.Options == context.Options
        ? _plan
        : _plan = new TransposedConvolutionPlan(_plan.Dims, ConvolutionAlgorithm.Automatic, context.Options);
}
