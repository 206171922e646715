using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The three passes of a fully connected layer over a batch. Workers take disjoint parts of a result, so nothing is summed
/// across them; one call at a time.
/// </summary>
internal sealed class InnerProduct(int n, int inFeatures, int outFeatures)
{
    // Multiply-adds for which a worker isn't worth waking.
    private const long SmallProduct = 512 * 1024;

    // Weights that are kept a second time, in panels: of more, the product's own packing is little beside reading them.
    private const long MostPrepared = 4 * 1024 * 1024;

    private readonly bool _smallKernels = GemmPieces.ServedOn(Blas.Current.Core);
    private Tensor? _x, _y, _weights, _bias;
    private bool _relu;
    private int _rowParts;

    private bool IsSmall => (long)n * inFeatures * outFeatures < SmallProduct;

    private PanelCut Cut => new(1, outFeatures);

    /// <summary>Floats that <see cref="Prepare"/> makes; 0 where the weights are multiplied as they are: by one row, or where they are too many to be kept twice.</summary>
    public int PreparedFloats => n > 1 && (long)inFeatures * outFeatures <= MostPrepared ? inFeatures * outFeatures : 0;

    /// <summary>
    /// y = x Wᵀ + bias, or the maximum of that and 0. Overwrites y. Workers share out the columns of y.
    /// <code>
    ///             N = outFeatures
    ///                +--------+
    ///    K = inF     | Wᵀ     |
    ///          +-----+--------+
    /// M = n    | x   | y      |
    ///          +-----+--------+
    /// </code>
    /// </summary>
    /// <param name="x">n rows of inFeatures.</param>
    /// <param name="weights">[outFeatures, inFeatures].</param>
    /// <param name="bias">[outFeatures], or null.</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <param name="y">n rows of outFeatures.</param>
    /// <param name="context">Threads.</param>
    public void Forward(Tensor x, Tensor weights, Tensor? bias, bool relu, Tensor y, ComputeContext context)
    {
        (_x, _weights, _bias, _relu, _y) = (x, weights, bias, relu, y);
        Run(context, outFeatures, static (self, _, start, end) => self.ForwardColumns(start, end));
    }

    /// <summary>Turns the weights [outFeatures, inFeatures] to panels [inFeatures, 64 columns], one behind the other, for <see cref="ForwardPrepared"/>. Overwrites them.</summary>
    public void Prepare(ReadOnlySpan<float> weights, Span<float> panels)
    {
        for (int panel = 0; panel < Cut.Count; panel++)
        {
            (int first, int columns) = Cut[panel];
            int count = columns * inFeatures;
            LayoutTransform.ToNhwc(columns, inFeatures, weights.Slice(first * inFeatures, count), panels.Slice(first * inFeatures, count));
        }
    }

    /// <summary><see cref="Forward"/> with prepared weights: the product's second factor isn't turned. Workers share out panels, and rows where panels are few.</summary>
    public void ForwardPrepared(Tensor x, Tensor panels, Tensor? bias, bool relu, Tensor y, ComputeContext context)
    {
        (_x, _weights, _bias, _relu, _y) = (x, panels, bias, relu, y);
        int workers = context.Workers.WorkerCount;
        _rowParts = Cut.Count % workers == 0 ? 1 : Math.Min(workers, (n + GemmPieces.RowsTogether - 1) / GemmPieces.RowsTogether);
        Run(context, Cut.Count * _rowParts, static (self, _, start, end) =>
        {
            for (int item = start; item < end; item++)
                self.ForwardPanel(item / self._rowParts, item % self._rowParts);
        });
    }

    /// <summary>
    /// dx = dy W. Overwrites dx. Workers share out the columns of dx.
    /// <code>
    ///             N = inFeatures
    ///                +--------+
    ///    K = outF    | W      |
    ///          +-----+--------+
    /// M = n    | dy  | dx     |
    ///          +-----+--------+
    /// </code>
    /// </summary>
    public void BackwardData(Tensor dy, Tensor weights, Tensor dx, ComputeContext context)
    {
        (_y, _weights, _x) = (dy, weights, dx);
        Run(context, inFeatures, static (self, _, start, end) => self.BackwardDataColumns(start, end));
    }

    /// <summary>
    /// dW += dyᵀ x, and dBias += sum of dy over the batch. Workers share out the rows of dW.
    /// <code>
    ///             N = inFeatures
    ///                +--------+
    ///    K = n       | x      |
    ///          +-----+--------+
    /// M = outF | dyᵀ | dW     |
    ///          +-----+--------+
    /// </code>
    /// </summary>
    public void BackwardWeights(Tensor x, Tensor dy, Tensor dWeights, Tensor? dBias, ComputeContext context)
    {
        (_x, _y, _weights, _bias) = (x, dy, dWeights, dBias);
        Run(context, outFeatures, static (self, _, start, end) => self.BackwardWeightRows(start, end));
    }

    private void Run(ComputeContext context, int count, RangeBody<InnerProduct> body)
    {
        if (IsSmall)
            body(this, 0, 0, count);
        else
            context.Workers.For(count, this, body);
    }

    private void ForwardColumns(int start, int end)
    {
        Span<float> y = _y!.Span;
        for (int row = 0; row < n; row++)
        {
            Span<float> part = y[(row * outFeatures + start)..(row * outFeatures + end)];
            if (_bias is null)
                part.Clear();
            else
                _bias.Span[start..end].CopyTo(part);
        }

        ReadOnlySpan<float> weights = _weights!.ReadOnlySpan[(start * inFeatures)..(end * inFeatures)];
        if (n == 1)
            RowDots.Add(_x!.Span, weights, y[start..end]);
        else
            Gemm.Run(Transpose.No, Transpose.Yes, n, end - start, inFeatures, 1, _x!.Span, inFeatures, weights, inFeatures, 1, y[start..], outFeatures);
        if (_relu)
            Elementwise.InPlace(default(ReluFunction), y[start..], n, end - start, outFeatures);
    }

    private void ForwardPanel(int panel, int part)
    {
        int sixes = (n + GemmPieces.RowsTogether - 1) / GemmPieces.RowsTogether;
        int row = sixes * part / _rowParts * GemmPieces.RowsTogether, rows = Math.Min(sixes * (part + 1) / _rowParts * GemmPieces.RowsTogether, n) - row;
        (int first, int columns) = Cut[panel];
        Span<float> y = _y!.Span[(row * outFeatures + first)..];
        GemmPieces.RunWhere(
            _smallKernels, Transpose.No, rows, columns, inFeatures, _x!.ReadOnlySpan[(row * inFeatures)..], inFeatures,
            _weights!.ReadOnlySpan.Slice(first * inFeatures, columns * inFeatures), columns, 0, y, outFeatures);
        if (_bias is null)
        {
            if (_relu)
                Elementwise.InPlace(default(ReluFunction), y, rows, columns, outFeatures);
            return;
        }

        ReadOnlySpan<float> bias = _bias.ReadOnlySpan.Slice(first, columns);
        if (_relu)
            BiasRows.Finish(default(ReluFunction), bias, y, rows, outFeatures);
        else
            BiasRows.Finish(default(IdentityFunction), bias, y, rows, outFeatures);
    }

    private void BackwardDataColumns(int start, int end) => Gemm.Run(
        Transpose.No, Transpose.No, n, end - start, outFeatures, 1, _y!.Span, outFeatures,
        _weights!.Span[start..], inFeatures, 0, _x!.Span[start..], inFeatures);

    private void BackwardWeightRows(int start, int end)
    {
        ReadOnlySpan<float> dy = _y!.Span;
        Gemm.Run(
            Transpose.Yes, Transpose.No, end - start, inFeatures, n, 1, dy[start..], outFeatures,
            _x!.Span, inFeatures, 1, _weights!.Span[(start * inFeatures)..(end * inFeatures)], inFeatures);
        if (_bias is null)
            return;
        Span<float> dBias = _bias.Span[start..end];
        for (int row = 0; row < n; row++)
        {
            ReadOnlySpan<float> part = dy[(row * outFeatures + start)..(row * outFeatures + end)];
            for (int o = 0; o < part.Length; o++)
                dBias[o] += part[o];
        }
    }
}
