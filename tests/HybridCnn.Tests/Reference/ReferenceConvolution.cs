using HybridCnn.Tensors;

namespace HybridCnn.Tests.Reference;

/// <summary>Convolution by its definition: explicit loops, in double. Slow, and obviously right.</summary>
internal static class ReferenceConvolution
{
    /// <summary>The results of all three passes, NCHW; the loops are the same.</summary>
    /// <param name="d">The problem.</param>
    /// <param name="x">[N, IC, IH, IW].</param>
    /// <param name="w">[OC, IC / groups, KH, KW].</param>
    /// <param name="b">[OC], or empty.</param>
    /// <param name="dy">[N, OC, OH, OW].</param>
    public static (double[] Y, double[] DX, double[] DW, double[] DB) Passes(
        Conv2dDims d, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, ReadOnlySpan<float> dy)
    {
        (double[] y, double[] db) = Bias(b, dy, d.OC, d.OH * d.OW);
        double[] dx = new double[d.XCount], dw = new double[d.WeightsCount];

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
            int xi = ((n * d.IC + ic) * d.IH + ih) * d.IW + iw;
            int wi = ((oc * d.ICPerGroup + c) * d.KH + kh) * d.KW + kw;
            int yi = ((n * d.OC + oc) * d.OH + oh) * d.OW + ow;
            y[yi] += (double)x[xi] * w[wi];
            dx[xi] += (double)dy[yi] * w[wi];
            dw[wi] += (double)x[xi] * dy[yi];
        }

        return (y, dx, dw, db);
    }

    /// <summary>Y as the bias alone, or nothing, makes it, and the bias's gradient.</summary>
    public static (double[] Y, double[] DB) Bias(ReadOnlySpan<float> b, ReadOnlySpan<float> dy, int channels, int area)
    {
        double[] y = new double[dy.Length], db = new double[channels];
        for (int i = 0; i < y.Length; i++)
        {
            int oc = i / area % channels;
            y[i] = b.IsEmpty ? 0 : b[oc];
            db[oc] += dy[i];
        }

        return (y, db);
    }

    /// <summary>Adds what a gradient held before its pass, or nothing where it is empty.</summary>
    public static void Accumulate(double[] gradient, float[] before)
    {
        for (int i = 0; i < before.Length; i++)
            gradient[i] += before[i];
    }
}
