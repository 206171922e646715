using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Rectified linear units over a whole tensor, threads over cache lines; one call at a time.</summary>
internal sealed class ReluOperator
{
    private const int FloatsPerLine = 16;

    private Tensor? _a, _b, _result;

    /// <summary>y = max(x, 0). Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_a, _result) = (x, y);
        Dispatch.For(context, Lines(x), x.Shape.Count, this, static (self, _, start, end) =>
            Activations.Relu(Range(self._a!, start, end), Range(self._result!, start, end)));
    }

    /// <summary>dx = dy where y is above 0, else 0. Overwrites dx.</summary>
    public void Backward(Tensor y, Tensor dy, Tensor dx, ComputeContext context)
    {
        (_a, _b, _result) = (y, dy, dx);
        Dispatch.For(context, Lines(y), y.Shape.Count, this, static (self, _, start, end) =>
            Activations.ReluBackward(Range(self._a!, start, end), Range(self._b!, start, end), Range(self._result!, start, end)));
    }

    private static int Lines(Tensor tensor) => (tensor.Shape.Count - 1) / FloatsPerLine + 1;

    private static Span<float> Range(Tensor tensor, int startLine, int endLine) =>
        tensor.Span[(startLine * FloatsPerLine)..(int)Math.Min(tensor.Shape.Count, (long)endLine * FloatsPerLine)];
}
