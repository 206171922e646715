using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Which memory order ours is measured in.</summary>
internal enum LayoutChoice
{
    /// <summary>The one that a network would use: what the problem string says, else as Conv2d prefers it.</summary>
    Auto,

    /// <summary>Planes, always.</summary>
    Nchw,

    /// <summary>Pixels, always.</summary>
    Nhwc,
}

/// <summary>Puts problems into a memory order.</summary>
internal static class LayoutChoices
{
    private const int Channels = 16, Colours = 3;

    /// <summary>The same problem in the order that was chosen.</summary>
    public static Conv2dDims Place(this LayoutChoice choice, Conv2dDims dims)
    {
        bool nhwc = choice == LayoutChoice.Auto ? dims.Layout == Layout.Nhwc || IsForNhwc(dims) : choice == LayoutChoice.Nhwc;
        return dims.In(nhwc ? Layout.Nhwc : Layout.Nchw);
    }

    /// <summary>The orders that an operator is measured in: both, that of a network's inner layers first, unless one was chosen.</summary>
    public static Layout[] Orders(this LayoutChoice choice, OpProblem problem) => choice switch
    {
        LayoutChoice.Nchw => [Layout.Nchw],
        _ when OurOp.Refusal(problem, Layout.Nhwc) is not null => [Layout.Nchw],
        LayoutChoice.Nhwc => [Layout.Nhwc],
        _ => problem.Input[1] % Channels == 0 ? [Layout.Nhwc, Layout.Nchw] : [Layout.Nchw, Layout.Nhwc],
    };

    // As Conv2d prefers it; a depthwise layer stands between layers that do.
    private static bool IsForNhwc(Conv2dDims dims) =>
        dims.OC % Channels == 0 && (dims.Groups == 1 ? dims.IC % Channels == 0 || dims.IC == Colours || dims.StrideW > 1 : dims.Groups == dims.IC && dims.OC == dims.IC);
}
