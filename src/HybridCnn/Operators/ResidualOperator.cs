using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// y = a + b over whole tensors, with a ReLU if asked for; threads over cache lines; one call at a time. Backward, both gradients are dy,
/// or what the ReLU makes of it; where y has two readers, what they give is added on the way through the ReLU.
/// </summary>
internal sealed class ResidualOperator
{
    private const int FloatsPerLine = 16;

    private Tensor? _a, _b, _at, _y;
    private bool _relu;

    /// <summary>Overwrites y, which may be a or b.</summary>
    public void Forward(Tensor a, Tensor b, bool relu, Tensor y, ComputeContext context)
    {
        if (a.Shape != y.Shape || b.Shape != y.Shape)
            throw new ArgumentException($"a is {a.Shape}, b is {b.Shape}, y is {y.Shape}; they must be the same.", nameof(y));
        (_a, _b, _relu, _y) = (a, b, relu, y);
        Dispatch.For(context, Lines(y), y.Shape.Count, this, static (self, _, start, end) =>
            ResidualSum.Run(self.Part(self._a, start, end), self.Part(self._b, start, end), self._relu, self.Part(self._y, start, end)));
    }

    /// <summary>Overwrites dx = a + b where y is above 0, else 0; dx may be a or b.</summary>
    public void MaskedSum(Tensor a, Tensor b, Tensor y, Tensor dx, ComputeContext context)
    {
        (_a, _b, _at, _y) = (a, b, y, dx);
        Dispatch.For(context, Lines(dx), dx.Shape.Count, this, static (self, _, start, end) =>
            ResidualSum.RunMasked(self.Part(self._a, start, end), self.Part(self._b, start, end), self.Part(self._at, start, end), self.Part(self._y, start, end)));
    }

    /// <summary>Overwrites dx = dy where y is above 0, else 0; dx may be dy.</summary>
    public void Mask(Tensor dy, Tensor y, Tensor dx, ComputeContext context)
    {
        (_a, _at, _y) = (dy, y, dx);
        Dispatch.For(context, Lines(dx), dx.Shape.Count, this, static (self, _, start, end) =>
            Elementwise.Backward(default(ReluFunction), self.Part(self._at, start, end), self.Part(self._a, start, end), self.Part(self._y, start, end)));
    }

    private static int Lines(Tensor tensor) => (tensor.Shape.Count - 1) / FloatsPerLine + 1;

    private Span<float> Part(Tensor? tensor, int start, int end) =>
        tensor!.Span[(start * FloatsPerLine)..(int)Math.Min(_y!.Shape.Count, (long)end * FloatsPerLine)];
}
