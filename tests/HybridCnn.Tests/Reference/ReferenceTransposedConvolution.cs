using HybridCnn.Tensors;

namespace HybridCnn.Tests.Reference;

/// <summary>Transposed convolution by its definition, every input pixel scattered: explicit loops, in double, NCHW. Slow, and obviously right.</summary>
internal static class ReferenceTransposedConvolution
{
    public static double[] Forward(ConvTranspose2dDims d, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b)
    {
        var y = new double[d.YCount];
        for (int i = 0; i < y.Length && !b.IsEmpty; i++)
            y[i] = b[i / (d.OH * d.OW) % d.OC];
        foreach (var (xi, wi, yi) in Terms(d))
            y[yi] += (double)x[xi] * w[wi];
        return y;
    }

    public static double[] BackwardData(ConvTranspose2dDims d, ReadOnlySpan<float> dy, ReadOnlySpan<float> w)
    {
        var dx = new double[d.XCount];
        foreach (var (xi, wi, yi) in Terms(d))
            dx[xi] += (double)dy[yi] * w[wi];
        return dx;
    }

    public static (double[] Weights, double[] Bias) BackwardWeights(ConvTranspose2dDims d, ReadOnlySpan<float> x, ReadOnlySpan<float> dy)
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
    private static IEnumerable<(int X, int W, int Y)> Terms(ConvTranspose2dDims d)
    {
        Conv2dDims c = d.Convolution;
        int groups = c.Groups, filters = d.OC / groups;
        for (int n = 0; n < d.N; n++)
        for (int ic = 0; ic < d.IC; ic++)
        for (int ih = 0; ih < d.IH; ih++)
        for (int iw = 0; iw < d.IW; iw++)
        for (int o = 0; o < filters; o++)
        for (int kh = 0; kh < c.KH; kh++)
        for (int kw = 0; kw < c.KW; kw++)
        {
            int oh = ih * c.StrideH + kh * c.DilationH - c.PadTop;
            int ow = iw * c.StrideW + kw * c.DilationW - c.PadLeft;
            if (oh < 0 || oh >= d.OH || ow < 0 || ow >= d.OW)
                continue;
            int oc = ic / (d.IC / groups) * filters + o;
            yield return (
                ((n * d.IC + ic) * d.IH + ih) * d.IW + iw,
                ((ic * filters + o) * c.KH + kh) * c.KW + kw,
                ((n * d.OC + oc) * d.OH + oh) * d.OW + ow);
        }
    }
}
