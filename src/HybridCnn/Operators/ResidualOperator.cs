using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// y = a + b over whole tensors, with a ReLU if asked for; threads over cache lines; one call at a time. Backward, both gradients are dy,
/// or what the ReLU makes of it.
/// </summary>
internal sealed class ResidualOperator
{
    private const int FloatsPerLine = 16;

    private Tensor? _a, _b, _y;
    private bool _relu;

    /// <summary>Overwrites y, which may be a or b.</summary>
    public void Forward(Tensor a, Tensor b, bool relu, Tensor y, ComputeContext context)
    {
        if (a.Shape != y.Shape || b.Shape != y.Shape)
            throw new ArgumentException($"a is {a.Shape}, b is {b.Shape}, y is {y.Shape}; they must be the same.", nameof(y));
        (_a, _b, _relu, _y) = (a, b, relu, y);
        Dispatch.For(context, (y.Shape.Count - 1) / FloatsPerLine + 1, y.Shape.Count, this, static (self, _, start, end) => self.Lines(start, end));
    }

    private void Lines(int start, int end)
    {
        int first = start * FloatsPerLine, last = (int)Math.Min(_y!.Shape.Count, (long)end * FloatsPerLine);
        ResidualSum.Run(_a!.Span[first..last], _b!.Span[first..last], _relu, _y.Span[first..last]);
    }
}
