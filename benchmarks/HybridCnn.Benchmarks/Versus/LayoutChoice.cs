using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Which memory order ours is measured in.</summary>
internal enum LayoutChoice
{
    /// <summary>The one that a network would use: what the problem string says, else NHWC where the channels come in sixteens and are not grouped.</summary>
    Auto,

    /// <summary>Planes, always.</summary>
    Nchw,

    /// <summary>Pixels, always.</summary>
    Nhwc,
}

/// <summary>Puts problems into a memory order.</summary>
internal static class LayoutChoices
{
    private const int Channels = 16;

    /// <summary>The same problem in the order that was chosen.</summary>
    public static Conv2dDims Place(this LayoutChoice choice, Conv2dDims dims)
    {
        bool nhwc = choice == LayoutChoice.Auto ? dims.Layout == Layout.Nhwc || IsForNhwc(dims) : choice == LayoutChoice.Nhwc;
        return Conv2dDims.Create(
            dims.N, dims.IC, dims.IH, dims.IW, dims.OC, dims.KH, dims.KW, dims.StrideH, dims.StrideW,
            dims.PadTop, dims.PadLeft, dims.PadBottom, dims.PadRight, dims.DilationH, dims.DilationW, dims.Groups,
            nhwc ? Layout.Nhwc : Layout.Nchw);
    }

    // As Conv2d prefers it; a depthwise layer stands between layers that do.
    private static bool IsForNhwc(Conv2dDims dims) =>
        dims.OC % Channels == 0 && (dims.Groups == 1 ? dims.IC % Channels == 0 || dims.StrideW > 1 : dims.Groups == dims.IC && dims.OC == dims.IC);
}
