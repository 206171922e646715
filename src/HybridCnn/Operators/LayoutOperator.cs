using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Copies a batch of images from one memory order to the other, threads over images; one call at a time.</summary>
internal sealed class LayoutOperator
{
    private Tensor? _source, _target;

    /// <summary>Overwrites <paramref name="target"/>, of the same extents in the other layout.</summary>
    public void Run(Tensor source, Tensor target, ComputeContext context)
    {
        (_source, _target) = (source, target);
        Dispatch.For(context, source.Shape[0], source.Shape.Count, this, static (self, _, start, end) =>
        {
            Shape shape = self._source!.Shape;
            int channels = shape[1], pixels = shape[2] * shape[3];
            for (int n = start; n < end; n++)
            {
                if (shape.Layout == Layout.Nchw)
                    LayoutTransform.ToNhwc(channels, pixels, self._source.Item(n), self._target!.Item(n));
                else
                    LayoutTransform.ToNchw(channels, pixels, self._source.Item(n), self._target!.Item(n));
            }
        });
    }
}
