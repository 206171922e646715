using HybridCnn.Tensors;

namespace HybridCnn.Tests.Reference;

/// <summary>Convolution by its definition: explicit loops, in double. Slow, and obviously right.</summary>
internal static class ReferenceConvolution
{
    public static double[] Forward(Conv2dDims d, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b)
    {
        var y = new double[d.YCount];
        for (int i = 0; i < y.Length && !b.IsEmpty; i++)
            y[i] = b[i / (d.OH * d.OW) % d.OC];
        foreach (var (xi, wi, yi) in Terms(d))
            y[yi] += (double)x[xi] * w[wi];
        return y;
    }

    public static double[] BackwardData(Conv2dDims d, ReadOnlySpan<float> dy, ReadOnlySpan<float> w)
    {
        var dx = new double[d.XCount];
        foreach (var (xi, wi, yi) in Terms(d))
            dx[xi] += (double)dy[yi] * w[wi];
        return dx;
    }

    public static (double[] Weights, double[] Bias) BackwardWeights(Conv2dDims d, ReadOnlySpan<float> x, ReadOnlySpan<float> dy)
    {
        var dw = new double[d.WeightsCount];
        var db = new double[d.OC];
        for (int i = 0; i < dy.Length; i++)
            db[i / (d.OH * d.OW) % d.OC] += dy[i];
        foreach (var (xi, wi, yi) in Terms(d))
            dw[wi] += (double)x[xi] * dy[yi];
        return (dw, db);
    }

    // Every product x[xi] * w[wi] that is part of y[yi].
    private static IEnumerable<(int X, int W, int Y)> Terms(Conv2dDims d)
    {
        for (int n = 0; n < d.N; n++)
        for (int oc = 0; oc < d.OC; oc++)
        for (int oh = 0; oh < d.OH; oh++)
        for (int ow = 0; ow < d.OW; ow++)
        for (int c = 0; c < d.ICPerGroup; c++)
        for (int kh = 0; kh < d.KH; kh++)
        for (int kw = 0; kw < d.KW; kw++)
        {
            int ih = oh * d.StrideH + kh * d.DilationH - d.PadTop;
            int iw = ow * d.StrideW + kw * d.DilationW - d.PadLeft;
            if (ih < 0 || ih >= d.IH || iw < 0 || iw >= d.IW)
                continue;
            int ic = oc / d.OCPerGroup * d.ICPerGroup + c;
            yield return (
                ((n * d.IC + ic) * d.IH + ih) * d.IW + iw,
                ((oc * d.ICPerGroup + c) * d.KH + kh) * d.KW + kw,
                ((n * d.OC + oc) * d.OH + oh) * d.OW + ow);
        }
    }
}
