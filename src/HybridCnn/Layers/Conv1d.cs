using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Convolution of sequences, x [N, IC, L] → y [N, OC, OL], as PyTorch's (cross-correlation, zero padding): that of images with a single row.
/// Parameters: "weight" [OC, IC/groups, K] and, unless left out, "bias" [OC].
/// </summary>
public sealed class Conv1d : Layer
{
    private readonly ConvolutionSettings _settings;
    private readonly ConvolutionWeights _weights;
    private readonly PlannedConvolution _convolution;
    private Binding _binding;

    /// <summary>The same padding at both ends.</summary>
    /// <param name="inChannels">IC.</param>
    /// <param name="outChannels">OC: how many filters.</param>
    /// <param name="kernelSize">K, kernel elements.</param>
    /// <param name="stride">Input elements from one output to the next.</param>
    /// <param name="padding">Zeros at each end.</param>
    /// <param name="dilation">Input elements from one kernel element to the next; 1 = dense.</param>
    /// <param name="groups">Groups of channels that don't see each other; divides both channel counts.</param>
    /// <param name="bias">Whether each filter has a bias.</param>
    /// <param name="random">Where the initial values come from, uniform within ±1/√(IC/groups·K); null starts a sequence with seed 0, the same in every layer.</param>
    /// <exception cref="ArgumentException">A value that is out of range or doesn't fit another one; the message names it.</exception>
    public Conv1d(
        int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
        bool bias = true, SeededRandom? random = null)
        : this(inChannels, outChannels, kernelSize, (padding, padding), stride, dilation, groups, bias, random)
    {
    }

    /// <summary>Two separate pads: (kernelSize − 1, 0) gives a causal convolution.</summary>
    /// <inheritdoc cref="Conv1d(int, int, int, int, int, int, int, bool, SeededRandom?)"/>
    public Conv1d(
        int inChannels, int outChannels, int kernelSize, (int Left, int Right) padding, int stride = 1, int dilation = 1, int groups = 1,
        bool bias = true, SeededRandom? random = null)
    {
        _settings = new ConvolutionSettings(
            inChannels, outChannels, (1, kernelSize), (1, stride), (0, padding.Left, 0, padding.Right), (1, dilation), groups);
        _weights = new ConvolutionWeights(new Shape(outChannels, inChannels / groups, kernelSize), outChannels, bias, random);
        _convolution = new PlannedConvolution(_weights);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => _weights.Parameters;

    /// <inheritdoc cref="Conv2d.Plan"/>
    public ConvolutionPlan? Plan => _convolution.Plan;

    internal override ConvolutionPlan? PlanOfPasses => Plan;

    internal override ReluFusion ReluFusion => ReluFusion.Forward;

    internal override bool BackwardReadsOutput => false;

    internal override bool HasMatrix => true;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireSequences(this, input);
        InputShape.RequireChannels(this, input, _settings.InChannels);
        Conv2dDims dims = _settings.Over(new Shape(input[0], input[1], 1, input[2]));
        var output = new Shape(dims.N, dims.OC, dims.OW);
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
