using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Normalization of rows, the last <paramref name="width"/> elements of x, with a scale and an offset for each element; one call at a time. Threads over rows, and over columns for
/// the gradients of scale and offset: the bits don't depend on their number. For NHWC images, whose rows are whole images, those numbers are turned into that order first. Keeps
/// the mean and deviation of every row of the latest forward pass.
/// </summary>
internal sealed class LayerNormalization(Shape shape, int width, double epsilon)
{
    private const int FloatsPerLine = 16;

    private readonly int _rows = shape.Count / width;
    private readonly float[] _mean = new float[shape.Count / width], _inverseDeviation = new float[shape.Count / width];
    private readonly float[] _gamma = new float[width], _beta = new float[width], _dGamma = new float[width], _dBeta = new float[width];
    private readonly float[] _turned = new float[shape.Layout == Layout.Nhwc ? width : 0];
    private Tensor? _x, _y, _dy, _dx;

    /// <summary>Overwrites y, which may be x. γ and β may be empty.</summary>
    public void Forward(Tensor x, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Tensor y, ComputeContext context)
    {
        (_x, _y) = (x, y);
        Keep(gamma, 1, _gamma);
        Keep(beta, 0, _beta);
        Dispatch.For(context, _rows, shape.Count, this, static (self, _, start, end) =>
        {
            for (int row = start; row < end; row++)
                self.ForwardRow(row);
        });
    }

    /// <summary>Adds to dγ and dβ (or empty); overwrites dx if given, which may be dy. x is that of the latest forward pass.</summary>
    public void Backward(Tensor x, Tensor dy, ReadOnlySpan<float> gamma, Span<float> dGamma, Span<float> dBeta, Tensor? dx, ComputeContext context)
    {
        (_x, _dy, _dx) = (x, dy, dx);
        Keep(gamma, 1, _gamma);
        if (!dGamma.IsEmpty)
        {
            Array.Clear(_dGamma);
            Array.Clear(_dBeta);
            Dispatch.For(context, (width - 1) / FloatsPerLine + 1, shape.Count, this, static (self, _, start, end) => self.SumColumns(start, end));
            AddTo(_dGamma, dGamma);
            AddTo(_dBeta, dBeta);
        }

        if (dx is not null)
        {
            Dispatch.For(context, _rows, shape.Count, this, static (self, _, start, end) =>
            {
                for (int row = start; row < end; row++)
                    self.BackwardRow(row);
            });
        }
    }

    private void ForwardRow(int row)
    {
        ReadOnlySpan<float> x = Row(_x, row);
        // An element of the row is near its mean.
        (double first, double second) = NormalizationNchw.Moments(x, x[0]);
        (double mean, double variance) = Normalization.FromMoments(first, second, x[0], width);
        (_mean[row], _inverseDeviation[row]) = ((float)mean, Normalization.InverseDeviation(variance, epsilon));
        LayerRows.Apply(x, _mean[row], _inverseDeviation[row], _gamma, _beta, Row(_y, row));
    }

    private void BackwardRow(int row)
    {
        ReadOnlySpan<float> x = Row(_x, row), dy = Row(_dy, row);
        (double first, double second) = LayerRows.Products(x, dy, _gamma, _mean[row]);
        (float a, float b, float c) = Normalization.GradientFactors(1, _inverseDeviation[row], first, second, width);
        LayerRows.Gradient(x, dy, _gamma, _mean[row], a, b, c, Row(_dx, row));
    }

    private void SumColumns(int startLine, int endLine)
    {
        int first = startLine * FloatsPerLine, count = Math.Min(width, endLine * FloatsPerLine) - first;
        LayerRows.AddColumnSums(_x!.Span, _dy!.Span, _mean, _inverseDeviation, width, first, _dGamma.AsSpan(first, count), _dBeta.AsSpan(first, count));
    }

    private Span<float> Row(Tensor? tensor, int row) => tensor!.Span.Slice(row * width, width);

    private void Keep(ReadOnlySpan<float> values, float otherwise, float[] kept)
    {
        if (shape.Layout == Layout.Nhwc && !values.IsEmpty)
            LayoutTransform.ToNhwc(shape[1], shape[2] * shape[3], values, kept);
        else
            Normalization.Keep(values, otherwise, kept);
    }

    private void AddTo(float[] part, Span<float> total)
    {
        if (shape.Layout == Layout.Nhwc)
        {
            LayoutTransform.ToNchw(shape[1], shape[2] * shape[3], part, _turned);
            Sums.Add(_turned, total);
        }
        else
        {
            Sums.Add(part, total);
        }
    }
}
