using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Puts images into larger ones of zeros, in either layout, and takes them out again; one call at a time. Threads over planes (NCHW) or images (NHWC), whose rows are W numbers or W·C.
/// </summary>
internal sealed class PadOperator(Shape input, Shape output, int top, int left)
{
    private readonly int _unit = input.Layout == Layout.Nhwc ? input[1] : 1;
    private readonly int _planes = input.Layout == Layout.Nhwc ? input[0] : input[0] * input[1];
    private Tensor? _inner, _outer;

    private int Height => input[2];

    private int Line => input[3] * _unit;

    private int OuterLine => output[3] * _unit;

    private int Start => top * OuterLine + left * _unit;

    /// <summary>Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        (_inner, _outer) = (x, y);
        Dispatch.For(context, _planes, output.Count, this, static (self, _, start, end) =>
        {
            for (int plane = start; plane < end; plane++)
                self.Enclose(self.Inner(plane), self.Outer(plane));
        });
    }

    /// <summary>Overwrites dx.</summary>
    public void Backward(Tensor dy, Tensor dx, ComputeContext context)
    {
        (_inner, _outer) = (dx, dy);
        Dispatch.For(context, _planes, input.Count, this, static (self, _, start, end) =>
        {
            for (int plane = start; plane < end; plane++)
                RowCopy.Run(self.Outer(plane)[self.Start..], self.OuterLine, self.Inner(plane), self.Line, self.Height, self.Line);
        });
    }

    // What lies between two rows is the right pad of one and the left pad of the next.
    private void Enclose(ReadOnlySpan<float> inner, Span<float> outer)
    {
        outer[..Start].Clear();
        RowCopy.Run(inner, Line, outer[Start..], OuterLine, Height, Line);
        int at = Start + Line;
        for (int row = 1; row < Height; row++, at += OuterLine)
            outer.Slice(at, OuterLine - Line).Clear();
        outer[at..].Clear();
    }

    private Span<float> Inner(int plane) => _inner!.Span.Slice(plane * Height * Line, Height * Line);

    private Span<float> Outer(int plane) => _outer!.Span.Slice(plane * output[2] * OuterLine, output[2] * OuterLine);
}
