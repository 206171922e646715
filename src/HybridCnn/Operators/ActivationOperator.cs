using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>An activation over whole tensors, threads over cache lines; one call at a time.</summary>
internal abstract class ActivationOperator
{
    /// <summary>Whether <see cref="Backward"/> takes y; else it takes x.</summary>
    public abstract bool FromOutput { get; }

    /// <summary>Overwrites y, which may be x.</summary>
    public abstract void Forward(Tensor x, Tensor y, ComputeContext context);

    /// <summary>Overwrites dx, which may be dy.</summary>
    public abstract void Backward(Tensor at, Tensor dy, Tensor dx, ComputeContext context);
}

/// <inheritdoc/>
internal sealed class ActivationOperator<TFunction>(TFunction function) : ActivationOperator
    where TFunction : struct, IActivation
{
    private const int FloatsPerLine = 16;

    private Tensor? _a, _b, _result;

    public override bool FromOutput => TFunction.FromOutput;

    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_a, _result) = (x, y);
        Dispatch.For(context, Lines(x), x.Shape.Count, this, static (self, _, start, end) => self.ForwardLines(start, end));
    }

    public override void Backward(Tensor at, Tensor dy, Tensor dx, ComputeContext context)
    {
        (_a, _b, _result) = (at, dy, dx);
        Dispatch.For(context, Lines(at), at.Shape.Count, this, static (self, _, start, end) => self.BackwardLines(start, end));
    }

    private void ForwardLines(int start, int end) => Elementwise.Forward(function, Range(_a!, start, end), Range(_result!, start, end));

    private void BackwardLines(int start, int end) => Elementwise.Backward(function, Range(_a!, start, end), Range(_b!, start, end), Range(_result!, start, end));

    private static int Lines(Tensor tensor) => (tensor.Shape.Count - 1) / FloatsPerLine + 1;

    private static Span<float> Range(Tensor tensor, int startLine, int endLine) =>
        tensor.Span[(startLine * FloatsPerLine)..(int)Math.Min(tensor.Shape.Count, (long)endLine * FloatsPerLine)];
}
