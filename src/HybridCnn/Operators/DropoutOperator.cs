using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Dropout over whole tensors, threads over cache lines; one call at a time. Keeps the keys of the latest forward pass, from which the mask follows.</summary>
internal sealed class DropoutOperator(double probability)
{
    private const int FloatsPerLine = 16;

    private readonly uint _threshold = (uint)Math.Min(uint.MaxValue, Math.Round(probability * (1L << 32)));
    private readonly float _scale = (float)(1 / (1 - probability));
    private (uint First, uint Second) _keys;
    private Tensor? _from, _to;
    private bool _drops;

    /// <summary>Overwrites y, which may be x.</summary>
    public void Forward(Tensor x, ulong seed, ulong step, Tensor y, ComputeContext context)
    {
        (_keys, _drops) = (DropoutMask.Keys(seed, step), true);
        Run(x, y, context);
    }

    /// <summary>y = x, and dx = dy after it.</summary>
    public void Pass(Tensor x, Tensor y)
    {
        _drops = false;
        x.Span.CopyTo(y.Span);
    }

    /// <summary>Overwrites dx, which may be dy.</summary>
    public void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        if (_drops)
            Run(dy, dx, context);
        else
            dy.Span.CopyTo(dx.Span);
    }

    private void Run(Tensor from, Tensor to, ComputeContext context)
    {
        (_from, _to) = (from, to);
        Dispatch.For(context, (from.Shape.Count - 1) / FloatsPerLine + 1, from.Shape.Count, this, static (self, _, start, end) =>
        {
            int first = start * FloatsPerLine, last = (int)Math.Min(self._from!.Shape.Count, (long)end * FloatsPerLine);
            DropoutMask.Apply(self._from.Span[first..last], (uint)first, self._keys, self._threshold, self._scale, self._to!.Span[first..last]);
        });
    }
}
