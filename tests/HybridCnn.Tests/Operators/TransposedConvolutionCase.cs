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
    private readonly float[] _dw0, _db0;
    private readonly Lazy<(double[] Y, double[] DX, double[] DW, double[] DB)> _expected;
    private readonly bool _exact;

    public TransposedConvolutionCase(ConvTranspose2dDims dims, SeededRandom random, bool integers = false, bool bias = true, GuardSide side = GuardSide.End)
    {
        Dims = dims;
        _exact = integers;
        float[] Draw(long count) => integers ? random.Integers(count) : random.Floats(count);
        float[] x = Draw(dims.XCount), w = Draw(dims.WeightsCount), b = Draw(bias ? dims.OC : 0), dy = Draw(dims.YCount);
        (_dw0, _db0) = (Draw(w.Length), Draw(b.Length));
        _expected = new(() => Expected(x, w, b, dy));
        (X, W, B, DY) = (new(Ordered(x, dims.IC), side), new(w, side), new(b, side), new(Ordered(dy, dims.OC), side));
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
        (double[] y, double[] dx, double[] dw, double[] db) = _expected.Value;
        Compare(y, Y, c.OCPerGroup * area + 1, what + "y");
        Compare(dx, DX, c.ICPerGroup * area, what + "dx");
        Compare(dw, DW, (long)Dims.N * Dims.IH * Dims.IW + 1, what + "dw");
        Compare(db.AsSpan(0, DB.Length), DB, pixels + 1, what + "db");
    }

    /// <summary>The bits of everything that <see cref="Run"/> computed.</summary>
    public int[] Bits() => [.. ((float[])[.. Y.Span, .. DX.Span, .. DW.Span, .. DB.Span]).Select(BitConverter.SingleToInt32Bits)];

    public void Dispose()
    {
        foreach (GuardedBuffer buffer in (GuardedBuffer[])[X, W, B, DY, Y, DX, DW, DB])
            buffer.Dispose();
    }

    // From the numbers as they were drawn, which no pass has had in its hands; computed once, by those who compare.
    private (double[] Y, double[] DX, double[] DW, double[] DB) Expected(float[] x, float[] w, float[] b, float[] dy)
    {
        (double[] y, double[] dx, double[] dw, double[] db) = ReferenceTransposedConvolution.Passes(Dims, x, w, b, dy);
        ReferenceConvolution.Accumulate(dw, _dw0);
        ReferenceConvolution.Accumulate(db, _db0);
        return (Ordered(y, Dims.OC), Ordered(dx, Dims.IC), dw, db);
    }

    // From NCHW to the layout of the problem.
    private T[] Ordered<T>(T[] values, int channels) => Dims.Layout == Layout.Nhwc ? NhwcOrder.FromNchw<T>(values, channels, values.Length / (Dims.N * channels)) : values;

    private void Compare(ReadOnlySpan<double> expected, GuardedBuffer actual, long terms, string what) =>
        Tolerance.AssertClose(expected, actual.Span, _exact ? 0 : Tolerance.ForSum(terms, 1), what);
}
