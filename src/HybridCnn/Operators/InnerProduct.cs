using HybridCnn.Compute;
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
    private const long SmallProduct = 1024 * 1024;

    private Tensor? _x, _y, _weights, _bias;
    private bool _relu;

    private bool IsSmall => (long)n * inFeatures * outFeatures < SmallProduct;

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
