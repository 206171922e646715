using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// While <see cref="ComputeContext.IsTraining"/>, sets each element to 0 with a given probability, independently, and divides the others by 1 minus that; else y = x. On any
/// shape and in either layout. What is dropped follows from <see cref="Seed"/>, <see cref="Step"/> and the element's place in memory alone, whatever the number of
/// threads: nothing is kept for the backward pass. Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, Dropout, 2014.
/// </summary>
public sealed class Dropout : Layer
{
    private readonly DropoutOperator _operator;
    private Binding _binding;

    /// <summary>Draws the seed from a sequence.</summary>
    /// <param name="probability">That an element is dropped, 0 or more and below 1.</param>
    /// <param name="random">Where the seed comes from; 0 unless given.</param>
    public Dropout(double probability = 0.5, SeededRandom? random = null)
    {
        if (!(probability >= 0 && probability < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "The probability of dropping is at least 0 and below 1.");
        Probability = probability;
        Seed = random?.NextBits() ?? 0;
        _operator = new DropoutOperator(probability);
    }

    /// <summary>That an element is dropped.</summary>
    public double Probability { get; }

    /// <summary>Which of all sequences of masks this layer goes through.</summary>
    public ulong Seed { get; set; }

    /// <summary>How many forward passes in training there were: with <see cref="Seed"/>, all that a checkpoint has to hold.</summary>
    public ulong Step { get; set; }

    internal override bool BackwardReadsInput => false;

    internal override bool BackwardReadsOutput => false;

    internal override bool ForwardInPlace => true;

    internal override bool BackwardInPlace => true;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => input.Layout;

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        if (input.Rank == 0)
            throw new ArgumentException("Dropout takes a shape of 1 to 4 extents; got none.", nameof(input));
        _binding = new Binding(input, input);
        return input;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        if (context.IsTraining)
            _operator.Forward(x, Seed, context.IsRecomputing ? Step - 1 : Step++, y, context);
        else
            _operator.Pass(x, y);
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        if (dx is not null)
            _operator.Backward(dy, dx, context);
    }
}
