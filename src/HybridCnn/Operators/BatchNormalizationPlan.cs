using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Batch normalization of one shape: y = (x − mean)·weight/√(variance + epsilon) + bias, per channel, with a ReLU behind it if asked for. As in PyTorch;
/// source: Ioffe, Szegedy, Batch Normalization, 2015. Shareable between threads: what the backward pass needs to know of a forward pass is the
/// caller's to keep, in a state of <see cref="StateLength"/> floats. Reruns give the same bits for the same number of threads.
/// </summary>
public sealed class BatchNormalizationPlan
{
    private BatchNormalization? _idle;

    /// <summary>Plans a shape.</summary>
    /// <param name="shape">x [N, C, H, W], in the memory order that its layout says, or [N, C].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <exception cref="ArgumentException">The rank is neither 4 nor 2, or epsilon is negative.</exception>
    public BatchNormalizationPlan(Shape shape, double epsilon = 1e-5)
    {
        if (shape.Rank is not (2 or 4))
            throw new ArgumentException($"Batch normalization takes [N, C, H, W] or [N, C]; got {shape}, of rank {shape.Rank}.", nameof(shape));
        ArgumentOutOfRangeException.ThrowIfLessThan(epsilon, 0);
        (Shape, Epsilon) = (shape, epsilon);
    }

    /// <summary>Shape of x and y.</summary>
    public Shape Shape { get; }

    /// <summary>Added to the variance.</summary>
    public double Epsilon { get; }

    /// <summary>How many floats hold what <see cref="Backward"/> needs to know of a forward pass, besides x. The first C are the means, the next C 1/√(variance + epsilon).</summary>
    public int StateLength => BatchNormalization.StateLength(Shape[1]);

    /// <summary>
    /// Computes y by the mean and the (biased) variance of x itself, and moves the running ones towards them, the variance unbiased:
    /// running = (1 − momentum)·running + momentum·batch. Overwrites y and state.
    /// </summary>
    /// <param name="x">x [N, C, H, W].</param>
    /// <param name="weight">weight [C], or empty for 1.</param>
    /// <param name="bias">bias [C], or empty for 0.</param>
    /// <param name="runningMean">[C], or empty for none.</param>
    /// <param name="runningVariance">[C], or empty for none.</param>
    /// <param name="momentum">The batch's share in the running statistics.</param>
    /// <param name="y">y [N, C, H, W]; may be x.</param>
    /// <param name="state">So many floats as <see cref="StateLength"/> says.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <param name="relu">Whether a ReLU follows; it costs next to nothing.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void ForwardTraining(
        ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, Span<float> runningMean, Span<float> runningVariance,
        double momentum, Span<float> y, Span<float> state, ComputeContext context, bool relu = false)
    {
        CheckForward(x, weight, bias, y, state, context);
        CheckChannels(runningMean.Length, nameof(runningMean), optional: true);
        CheckChannels(runningVariance.Length, nameof(runningVariance), optional: runningMean.IsEmpty);
        BatchNormalization work = Take();
        using (context.Enter())
            work.ForwardTraining(x, weight, bias, runningMean, runningVariance, momentum, Ceiling(relu), y, context);
        work.SaveState(state);
        _idle = work;
    }

    /// <summary>Computes y by given statistics. Overwrites y and state.</summary>
    /// <param name="x">x [N, C, H, W].</param>
    /// <param name="weight">weight [C], or empty for 1.</param>
    /// <param name="bias">bias [C], or empty for 0.</param>
    /// <param name="mean">[C].</param>
    /// <param name="variance">[C].</param>
    /// <param name="y">y [N, C, H, W]; may be x.</param>
    /// <param name="state">So many floats as <see cref="StateLength"/> says.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <param name="relu">Whether a ReLU follows; it costs next to nothing.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void ForwardEvaluation(
        ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, ReadOnlySpan<float> mean, ReadOnlySpan<float> variance,
        Span<float> y, Span<float> state, ComputeContext context, bool relu = false)
    {
        CheckForward(x, weight, bias, y, state, context);
        CheckChannels(mean.Length, nameof(mean), optional: false);
        CheckChannels(variance.Length, nameof(variance), optional: false);
        BatchNormalization work = Take();
        using (context.Enter())
            work.ForwardFixed(x, weight, bias, mean, variance, Ceiling(relu), y, context);
        work.SaveState(state);
        _idle = work;
    }

    /// <summary>
    /// Computes dx, the gradient of the loss by x, and adds those by weight and bias, from dy, the gradient by y: of the normalization alone, or of the
    /// normalization and the ReLU, as the forward pass was. Overwrites dx.
    /// </summary>
    /// <param name="x">What the forward pass read.</param>
    /// <param name="dy">dy [N, C, H, W].</param>
    /// <param name="state">As the forward pass wrote it.</param>
    /// <param name="dx">dx [N, C, H, W], or empty where nobody needs it; may be dy.</param>
    /// <param name="dWeight">[C], added to; or empty for none.</param>
    /// <param name="dBias">[C], added to; or empty for none.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <exception cref="ArgumentException">A span has the wrong length; the message names it and both lengths.</exception>
    public void Backward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> state, Span<float> dx, Span<float> dWeight, Span<float> dBias,
        ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckImages(x.Length, nameof(x));
        CheckImages(dy.Length, nameof(dy));
        CheckState(state.Length, nameof(state));
        if (!dx.IsEmpty)
            CheckImages(dx.Length, nameof(dx));
        CheckChannels(dWeight.Length, nameof(dWeight), optional: true);
        CheckChannels(dBias.Length, nameof(dBias), optional: true);
        BatchNormalization work = Take();
        work.RestoreState(state);
        using (context.Enter())
            work.Backward(x, dy, dWeight, dBias, dx, context);
        _idle = work;
    }

    // One caller at a time finds the plan's own object; others make one for themselves.
    private BatchNormalization Take() => Interlocked.Exchange(ref _idle, null) ?? new BatchNormalization(Shape, Epsilon);

    private static float? Ceiling(bool relu) => relu ? float.PositiveInfinity : null;

    private void CheckForward(
        ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, Span<float> y, Span<float> state, ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        CheckImages(x.Length, nameof(x));
        CheckChannels(weight.Length, nameof(weight), optional: true);
        CheckChannels(bias.Length, nameof(bias), optional: true);
        CheckImages(y.Length, nameof(y));
        CheckState(state.Length, nameof(state));
    }

    private void CheckImages(int given, string name)
    {
        if (given != Shape.Count)
            throw new ArgumentException($"{name} must be {Shape}, {Shape.Count} elements; got {given}.", name);
    }

    private void CheckChannels(int given, string name, bool optional)
    {
        if (given != Shape[1] && !(optional && given == 0))
            throw new ArgumentException($"{name} must have {Shape[1]} elements, one for each channel of {Shape}; got {given}.", name);
    }

    private void CheckState(int given, string name)
    {
        if (given != StateLength)
            throw new ArgumentException($"{name} must have {StateLength} elements (StateLength); got {given}.", name);
    }
}
