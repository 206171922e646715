using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Copies a batch of images from one memory order to the other, threads over images, or over the pixels of each where those are few; one call at a time.</summary>
internal sealed class LayoutOperator
{
    private Tensor? _source, _target;
    private int _parts;

    /// <summary>Overwrites <paramref name="target"/>, of the same extents in the other layout.</summary>
    public void Run(Tensor source, Tensor target, ComputeContext context)
    {
        (_source, _target) = (source, target);
        _parts = source.Shape[0] < context.Workers.WorkerCount ? context.Workers.WorkerCount : 1;
        Dispatch.For(context, source.Shape[0] * _parts, source.Shape.Count, this, static (self, _, start, end) =>
        {
            for (int item = start; item < end; item++)
                self.RunPart(item / self._parts, item % self._parts);
        });
    }

    private void RunPart(int image, int part)
    {
        Shape shape = _source!.Shape;
        int channels = shape[1], pixels = shape[2] * shape[3], first = (int)((long)pixels * part / _parts), end = (int)((long)pixels * (part + 1) / _parts);
        if (shape.Layout == Layout.Nchw)
            LayoutTransform.ToNhwc(channels, pixels, first, end, _source.Item(image), _target!.Item(image));
        else
            LayoutTransform.ToNchw(channels, pixels, first, end, _source.Item(image), _target!.Item(image));
    }
}
