using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>
/// One problem with its data, flush against guard pages, and what the reference makes of it. Destinations are NaN before
/// each run, or hold numbers where a pass adds.
/// </summary>
internal sealed class ConvolutionCase : IDisposable
{
    private readonly double[] _y, _dx, _dw, _db;
    private readonly float[] _dw0, _db0;
    private readonly bool _exact;

    public ConvolutionCase(Conv2dDims dims, SeededRandom random, bool integers = false, bool bias = true, GuardSide side = GuardSide.End)
    {
        Dims = dims;
        _exact = integers;
        GuardedBuffer Draw(long count) => new(integers ? random.Integers(count) : random.Floats(count), side);
        X = Draw(dims.XCount);
        W = Draw(dims.WeightsCount);
        B = Draw(bias ? dims.OC : 0);
        DY = Draw(dims.YCount);
        Y = new GuardedBuffer((int)dims.YCount, side);
        DX = new GuardedBuffer((int)dims.XCount, side);
        DW = Draw(dims.WeightsCount);
        DB = Draw(B.Length);
        _dw0 = DW.Span.ToArray();
        _db0 = DB.Span.ToArray();

        _y = ReferenceConvolution.Forward(dims, X.Span, W.Span, B.Span);
        _dx = ReferenceConvolution.BackwardData(dims, DY.Span, W.Span);
        (_dw, _db) = ReferenceConvolution.BackwardWeights(dims, X.Span, DY.Span);
        for (int i = 0; i < _dw.Length; i++)
            _dw[i] += _dw0[i];
        for (int i = 0; i < _db0.Length; i++)
            _db[i] += _db0[i];
    }

    public Conv2dDims Dims { get; }

    public GuardedBuffer X { get; }

    public GuardedBuffer W { get; }

    public GuardedBuffer B { get; }

    public GuardedBuffer DY { get; }

    public GuardedBuffer Y { get; }

    public GuardedBuffer DX { get; }

    public GuardedBuffer DW { get; }

    public GuardedBuffer DB { get; }

    /// <summary>All three passes.</summary>
    public void Run(ConvolutionPlan plan, ComputeContext context)
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
    public void Check(ConvolutionPlan plan, ComputeContext context)
    {
        Run(plan, context);
        string what = $"{Dims} {plan.Algorithm(ConvolutionPass.Forward)} on {context.Threads.Count} threads: ";
        long area = (long)Dims.KH * Dims.KW, pixels = (long)Dims.N * Dims.OH * Dims.OW;
        Compare(_y, Y, Dims.ICPerGroup * area + 1, what + "y");
        Compare(_dx, DX, Dims.OCPerGroup * area, what + "dx");
        Compare(_dw, DW, pixels + 1, what + "dw");
        if (DB.Length > 0)
            Compare(_db, DB, pixels + 1, what + "db");
    }

    public void Dispose()
    {
        foreach (GuardedBuffer buffer in (GuardedBuffer[])[X, W, B, DY, Y, DX, DW, DB])
            buffer.Dispose();
    }

    private void Compare(double[] expected, GuardedBuffer actual, long terms, string what) =>
        Tolerance.AssertClose(expected, actual.Span, _exact ? 0 : Tolerance.ForSum(terms, 1), what);
}
