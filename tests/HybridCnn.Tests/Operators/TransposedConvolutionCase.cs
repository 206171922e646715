using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>
/// One transposed convolution in one layout with its data, flush against guard pages, and what the reference (which knows NCHW only) makes
/// of it. Destinations are NaN before each run, or hold numbers where a pass adds.
/// </summary>
internal sealed class TransposedConvolutionCase : IDisposable
{
    private readonly double[] _y, _dx, _dw, _db;
    private readonly float[] _dw0, _db0;
    private readonly bool _exact;

    public TransposedConvolutionCase(ConvTranspose2dDims dims, SeededRandom random, bool integers = false, bool bias = true, GuardSide side = GuardSide.End)
    {
        Dims = dims;
        _exact = integers;
        float[] Draw(long count) => integers ? random.Integers(count) : random.Floats(count);
        float[] x = Draw(dims.XCount), w = Draw(dims.WeightsCount), b = Draw(bias ? dims.OC : 0), dy = Draw(dims.YCount);
        (_dw0, _db0) = (Draw(w.Length), Draw(b.Length));
        _y = ReferenceTransposedConvolution.Forward(dims, x, w, b);
        _dx = ReferenceTransposedConvolution.BackwardData(dims, dy, w);
        (_dw, _db) = ReferenceTransposedConvolution.BackwardWeights(dims, x, dy);
        for (int i = 0; i < _dw.Length; i++)
            _dw[i] += _dw0[i];
        for (int i = 0; i < _db0.Length; i++)
            _db[i] += _db0[i];
        if (dims.Layout == Layout.Nhwc)
        {
            int input = dims.IH * dims.IW, output = dims.OH * dims.OW;
            x = NhwcOrder.FromNchw<float>(x, dims.IC, input);
            dy = NhwcOrder.FromNchw<float>(dy, dims.OC, output);
            _dx = NhwcOrder.FromNchw<double>(_dx, dims.IC, input);
            _y = NhwcOrder.FromNchw<double>(_y, dims.OC, output);
        }

        (X, W, B, DY) = (new(x, side), new(w, side), new(b, side), new(dy, side));
        (Y, DX, DW, DB) = (new(dy.Length, side), new(x.Length, side), new(w.Length, side), new(b.Length, side));
    }

    public ConvTranspose2dDims Dims { get; }

    public GuardedBuffer X { get; }

    public GuardedBuffer W { get; }

    public GuardedBuffer B { get; }

    public GuardedBuffer DY { get; }

    public GuardedBuffer Y { get; }

    public GuardedBuffer DX { get; }

    public GuardedBuffer DW { get; }

    public GuardedBuffer DB { get; }

    /// <summary>All three passes.</summary>
    public void Run(TransposedConvolutionPlan plan, ComputeContext context)
    {
        Y.Span.Fill(float.NaN);
        DX.Span.Fill(float.NaN);
        _dw0.CopyTo(DW.Span);
        _db0.CopyTo(DB.Span);
        plan.Forward(X.Span, W.Span, B.Span, Y.Span, context);
        plan.BackwardData(DY.Span, W.Span, DX.Span, context);
        plan.BackwardWeights(X.Span, DY.Span, DW.Span, DB.Span, context);
    }

    /// <summary>All three passes, each result against the reference.</summary>
    public void Check(TransposedConvolutionPlan plan, ComputeContext context)
    {
        Run(plan, context);
        string what = $"{Dims} {Dims.Layout} {plan.Algorithm(ConvolutionPass.Forward)} on {context.Threads.Count} threads: ";
        Conv2dDims c = Dims.Convolution;
        long area = (long)c.KH * c.KW, pixels = (long)Dims.N * Dims.OH * Dims.OW;
        Compare(_y, Y, c.OCPerGroup * area + 1, what + "y");
        Compare(_dx, DX, c.ICPerGroup * area, what + "dx");
        Compare(_dw, DW, (long)Dims.N * Dims.IH * Dims.IW + 1, what + "dw");
        Compare(_db.AsSpan(0, DB.Length), DB, pixels + 1, what + "db");
    }

    /// <summary>The bits of everything that <see cref="Run"/> computed.</summary>
    public int[] Bits() => [.. ((float[])[.. Y.Span, .. DX.Span, .. DW.Span, .. DB.Span]).Select(BitConverter.SingleToInt32Bits)];

    public void Dispose()
    {
        foreach (GuardedBuffer buffer in (GuardedBuffer[])[X, W, B, DY, Y, DX, DW, DB])
            buffer.Dispose();
    }

    private void Compare(ReadOnlySpan<double> expected, GuardedBuffer actual, long terms, string what) =>
        Tolerance.AssertClose(expected, actual.Span, _exact ? 0 : Tolerance.ForSum(terms, 1), what);
}
