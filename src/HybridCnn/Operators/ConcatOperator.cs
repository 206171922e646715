using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Lines up the channels of several tensors, and cuts them apart again; threads over images, or pixels in NHWC order; one call at a time. A row is what
/// lies together in both places: C·H·W elements of an image in NCHW order, C in NHWC order.
/// </summary>
internal sealed class ConcatOperator
{
    private Tensor? _part, _whole;
    private int _offset;

    /// <summary>Overwrites y, whose channels are those of all inputs.</summary>
    public void Forward(Tensor[] inputs, Tensor y, ComputeContext context)
    {
        int offset = 0;
        foreach (Tensor input in inputs)
        {
            (_part, _whole, _offset) = (input, y, offset);
            Dispatch.For(context, Rows(input), input.Shape.Count, this, static (self, _, start, end) =>
            {
                int width = Width(self._part!), stride = Width(self._whole!);
                RowCopy.Run(
                    self._part!.Span[(start * width)..], width, self._whole!.Span[(start * stride + self._offset)..], stride, end - start, width);
            });
            offset += Width(input);
        }
    }

    /// <summary>Overwrites every dx that isn't null; those that are null must have the extents of <paramref name="shapes"/>.</summary>
    public void Backward(Tensor dy, Tensor?[] dx, ReadOnlySpan<Shape> shapes, ComputeContext context)
    {
        int offset = 0;
        for (int i = 0; i < dx.Length; i++)
        {
            (_part, _whole, _offset) = (dx[i], dy, offset);
            if (dx[i] is { } part)
            {
                Dispatch.For(context, Rows(part), part.Shape.Count, this, static (self, _, start, end) =>
                {
                    int width = Width(self._part!), stride = Width(self._whole!);
                    RowCopy.Run(
                        self._whole!.Span[(start * stride + self._offset)..], stride, self._part!.Span[(start * width)..], width, end - start, width);
                });
            }

            offset += Width(shapes[i]);
        }
    }

    private static int Rows(Tensor tensor) => tensor.Shape.Count / Width(tensor);

    private static int Width(Tensor tensor) => Width(tensor.Shape);

    private static int Width(Shape shape) => shape.Layout == Layout.Nhwc ? shape[1] : shape.CountPerItem;
}
