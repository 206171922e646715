using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>One operation of a backward pass: that of a step, or the sum of a value's gradients, behind its ReLU if it has one; or a step of the forward pass again.</summary>
/// <param name="step">Null for a sum.</param>
/// <param name="value">Whose gradient it needs, or makes.</param>
/// <param name="isMasked">Whether a sum counts only where the value is above 0.</param>
/// <param name="from">dy, or what is added; the first of it may be the result.</param>
/// <param name="to">The gradients by the step's inputs, or the sum.</param>
internal sealed class GradientOperation(NetworkStep? step, int value, bool isMasked, PlannedGradient[] from, PlannedGradient[] to)
{
    private readonly ResidualOperator _sum = new();
    private readonly Tensor?[] _from = new Tensor?[from.Length], _to = new Tensor?[to.Length], _dx = new Tensor?[to.Length];

    private readonly Tensor[] _inputs = new Tensor[step?.Inputs.Length ?? 0];

    public NetworkStep? Step => step;

    /// <summary>Whether it is the step's forward pass.</summary>
    public bool IsAgain { get; init; }

    /// <summary>Whose gradient it needs, or makes.</summary>
    public int Value => value;

    /// <summary>Makes the memory, once all buffers have their places.</summary>
    public void Allocate(NetworkWiring wiring)
    {
        for (int i = 0; i < from.Length; i++)
            _from[i] = from[i].Buffer?.In(wiring.ShapeOf(value));
        for (int i = 0; i < to.Length; i++)
            _to[i] = to[i].Buffer?.In(wiring.ShapeOf(step?.Inputs[i] ?? value));
    }

    /// <summary>Runs a step's operation.</summary>
    /// <param name="x">Its first input.</param>
    /// <param name="y">Its output.</param>
    /// <param name="dy">The caller's.</param>
    /// <param name="dx">The caller's, or null.</param>
    /// <param name="gradients">Knows which gradients are needed if there is no dx.</param>
    /// <param name="context">Threads.</param>
    public void Run(Tensor x, Tensor y, Tensor dy, Tensor? dx, GradientPlan gradients, ComputeContext context)
    {
        for (int i = 0; i < to.Length; i++)
            _dx[i] = to[i] == PlannedGradient.CallersDx ? dx : dx is not null || gradients.HasParametersBehind(step!.Inputs[i]) ? _to[i] : null;
        if (step!.Layer is { } layer)
            layer.Backward(x, y, _from[0] ?? dy, _dx[0], context);
        else
            step.Join!.Backward(_from[0] ?? dy, _dx, context);
        Array.Clear(_dx);
    }

    /// <summary>Runs a step's forward pass again.</summary>
    /// <param name="x">The network's.</param>
    /// <param name="y">The network's.</param>
    /// <param name="kept">Knows the values that were kept.</param>
    /// <param name="gradients">Knows those that weren't.</param>
    /// <param name="context">Threads.</param>
    public void RunAgain(Tensor x, Tensor y, ActivationPlan kept, GradientPlan gradients, ComputeContext context)
    {
        for (int i = 0; i < _inputs.Length; i++)
            _inputs[i] = gradients.Again(step!.Inputs[i]) ?? kept[step.Inputs[i], x, y];
        step!.Run(_inputs, gradients.Again(step.Output)!, context);
    }

    /// <summary>Runs a sum.</summary>
    /// <param name="at">The value itself.</param>
    /// <param name="dy">The caller's.</param>
    /// <param name="dx">The caller's, or null.</param>
    /// <param name="context">Threads.</param>
    public void RunSum(Tensor at, Tensor dy, Tensor? dx, ComputeContext context)
    {
        Tensor sum = _to[0] ?? dx!;
        if (from.Length == 1)
        {
            if (isMasked)
                _sum.Mask(_from[0] ?? dy, at, sum, context);
            else
                (_from[0] ?? dy).Span.CopyTo(sum.Span);
            return;
        }

        for (int i = 1; i < from.Length; i++)
        {
            Tensor first = i == 1 ? _from[0] ?? dy : sum;
            if (isMasked && i == from.Length - 1)
                _sum.MaskedSum(first, _from[i] ?? dy, at, sum, context);
            else
                _sum.Forward(first, _from[i] ?? dy, relu: false, sum, context);
        }
    }
}
