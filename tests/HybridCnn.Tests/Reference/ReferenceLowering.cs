using HybridCnn.Tensors;

namespace HybridCnn.Tests.Reference;

/// <summary>Which element of x each element of a lowered matrix is a copy of, by the definition.</summary>
internal static class ReferenceLowering
{
    /// <summary>For col [channels·KH·KW, (oh1 − oh0)·OW] the positions in x [channels, IH, IW]; -1 = padding.</summary>
    public static int[] Sources(Conv2dDims d, int channels, int oh0, int oh1)
    {
        var sources = new List<int>();
        for (int c = 0; c < channels; c++)
        for (int kh = 0; kh < d.KH; kh++)
        for (int kw = 0; kw < d.KW; kw++)
        for (int oh = oh0; oh < oh1; oh++)
        for (int ow = 0; ow < d.OW; ow++)
        {
            int ih = oh * d.StrideH + kh * d.DilationH - d.PadTop;
            int iw = ow * d.StrideW + kw * d.DilationW - d.PadLeft;
            sources.Add(ih >= 0 && ih < d.IH && iw >= 0 && iw < d.IW ? (c * d.IH + ih) * d.IW + iw : -1);
        }

        return [.. sources];
    }
}
