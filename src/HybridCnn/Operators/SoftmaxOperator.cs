using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>Softmax over the channels of one shape in either layout; one call at a time. Threads over rows of channels, or over images where channels lie a plane apart.</summary>
internal sealed class SoftmaxOperator(Shape shape)
{
    private readonly int _channels = shape[1];
    private readonly bool _isRows = shape.Layout == Layout.Nhwc || shape.Rank == 2;
    private Tensor? _x, _y, _dy, _dx;

    private int Items => _isRows ? shape.Count / _channels : shape[0];

    /// <summary>Overwrites y, which may be x.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_x, _y) = (x, y);
        Dispatch.For(context, Items, shape.Count, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                if (self._isRows)
                    SoftmaxRows.Forward(self.Item(self._x, i), self.Item(self._y, i));
                else
                    SoftmaxPlanes.Forward(self._channels, self.Item(self._x, i), self.Item(self._y, i));
            }
        });
    }

    /// <summary>Overwrites dx, which may be dy.</summary>
    public void Backward(Tensor y, Tensor dy, Tensor dx, ComputeContext context)
    {
        (_y, _dy, _dx) = (y, dy, dx);
        Dispatch.For(context, Items, shape.Count, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                if (self._isRows)
                    SoftmaxRows.Backward(self.Item(self._y, i), self.Item(self._dy, i), self.Item(self._dx, i));
                else
                    SoftmaxPlanes.Backward(self._channels, self.Item(self._y, i), self.Item(self._dy, i), self.Item(self._dx, i));
            }
        });
    }

    private Span<float> Item(Tensor? tensor, int index)
    {
        int size = shape.Count / Items;
        return tensor!.Span.Slice(index * size, size);
    }
}
