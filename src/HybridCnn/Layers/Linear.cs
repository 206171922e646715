using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A fully connected layer: y [N, outFeatures] = x Wᵀ + b, with W [outFeatures, inFeatures] and b [outFeatures] as in PyTorch.
/// x is [N, inFeatures] or images [N, C, H, W] with C·H·W = inFeatures, read in that order.
/// </summary>
public sealed class Linear : Layer
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly Parameter[] _parameters;
    private InnerProduct? _operator;
    private Binding _binding;

    /// <summary>Draws weight, then bias, uniformly from ±1 / sqrt(inFeatures), as PyTorch does.</summary>
    /// <param name="inFeatures">Values per item of x.</param>
    /// <param name="outFeatures">Values per item of y.</param>
    /// <param name="bias">Whether to add b.</param>
    /// <param name="random">Where the numbers come from; a fixed seed of its own unless given.</param>
    public Linear(int inFeatures, int outFeatures, bool bias = true, SeededRandom? random = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inFeatures, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outFeatures, 1);
        InFeatures = inFeatures;
        OutFeatures = outFeatures;
        _weight = new Parameter("weight", new Shape(outFeatures, inFeatures));
        _bias = bias ? new Parameter("bias", new Shape(outFeatures)) : null;
        _parameters = _bias is null ? [_weight] : [_weight, _bias];

        random ??= new SeededRandom(0);
        float bound = 1 / MathF.Sqrt(inFeatures);
        foreach (Parameter parameter in _parameters)
        {
            foreach (ref float value in parameter.Value.Span)
                value = random.NextFloat(-bound, bound);
        }
    }

    /// <summary>Values per item of x.</summary>
    public int InFeatures { get; }

    /// <summary>Values per item of y.</summary>
    public int OutFeatures { get; }

    /// <summary>weight [outFeatures, inFeatures], and bias [outFeatures] if there is one.</summary>
    public override IReadOnlyList<Parameter> Parameters => _parameters;

    internal override ReluFusion ReluFusion => ReluFusion.Forward;

    internal override bool BackwardReadsOutput => false;

    internal override bool HasMatrix => true;

    internal Tensor Weight => _weight.Value;

    internal Tensor? Bias => _bias?.Value;

    /// <summary>Null until <see cref="Bind"/>.</summary>
    internal InnerProduct? Product => _operator;

    internal override long Flops => 2L * _binding.Output.Count * InFeatures;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        InputShape.RequireBatch(this, input);
        InputShape.RequireNchw(this, input);
        if (input.CountPerItem != InFeatures)
            throw new ArgumentException($"Linear takes {InFeatures} values per item; {input} has {input.CountPerItem}.", nameof(input));
        var output = new Shape(input[0], OutFeatures);
        _operator = new InnerProduct(input[0], InFeatures, OutFeatures);
        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: false, context);

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context) => Forward(x, y, relu: true, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        _operator!.BackwardWeights(x, dy, _weight.Gradient, _bias?.Gradient, context);
        context.NoteWeightsDone();
        if (dx is not null)
            _operator.BackwardData(dy, _weight.Value, dx, context);
    }

    private void Forward(Tensor x, Tensor y, bool relu, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        _operator!.Forward(x, _weight.Value, _bias?.Value, relu, y, context);
    }
}
