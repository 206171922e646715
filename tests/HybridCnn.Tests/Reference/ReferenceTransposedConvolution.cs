using HybridCnn.Tensors;

namespace HybridCnn.Tests.Reference;

/// <summary>Transposed convolution by its definition, every input pixel scattered: explicit loops, in double, NCHW. Slow, and obviously right.</summary>
internal static class ReferenceTransposedConvolution
{
    /// <summary>The results of all three passes; the loops are the same.</summary>
    /// <param name="d">The problem.</param>
    /// <param name="x">[N, IC, IH, IW].</param>
    /// <param name="w">[IC, OC / groups, KH, KW].</param>
    /// <param name="b">[OC], or empty.</param>
    /// <param name="dy">[N, OC, OH, OW].</param>
    public static (double[] Y, double[] DX, double[] DW, double[] DB) Passes(
        ConvTranspose2dDims d, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, ReadOnlySpan<float> dy)
    {
        (double[] y, double[] db) = ReferenceConvolution.Bias(b, dy, d.OC, d.OH * d.OW);
        double[] dx = new double[d.XCount], dw = new double[d.WeightsCount];

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
            int xi = ((n * d.IC + ic) * d.IH + ih) * d.IW + iw;
            int wi = ((ic * filters + o) * c.KH + kh) * c.KW + kw;
            int yi = ((n * d.OC + oc) * d.OH + oh) * d.OW + ow;
            y[yi] += (double)x[xi] * w[wi];
            dx[xi] += (double)dy[yi] * w[wi];
            dw[wi] += (double)x[xi] * dy[yi];
        }

        return (y, dx, dw, db);
    }
}
