using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>What a pooling layer knows of its windows before it sees an input.</summary>
internal readonly record struct PoolWindows
{
    private readonly (int Height, int Width) _kernel, _stride, _padding, _dilation;
    private readonly bool _isMax;

    public PoolWindows(
        (int Height, int Width) kernelSize, (int Height, int Width) stride, (int Height, int Width) padding, (int Height, int Width) dilation, bool isMax)
    {
        RequireAtLeast(1, kernelSize, nameof(kernelSize));
        RequireAtLeast(1, stride, nameof(stride));
        RequireAtLeast(0, padding, nameof(padding));
        RequireAtLeast(1, dilation, nameof(dilation));
        (_kernel, _stride, _padding, _dilation, _isMax) = (kernelSize, stride, padding, dilation, isMax);
    }

    private long Taps => (long)_kernel.Height * _kernel.Width;

    /// <summary>One window over the whole plane of [N, C, H, W].</summary>
    public static PoolWindows Global(Shape input, bool isMax) => new((input[2], input[3]), (1, 1), (0, 0), (1, 1), isMax);

    /// <summary>The layout that x has, unless it is NHWC and there is no max pooling of such windows in it.</summary>
    public Layout LayoutFor(Shape input) =>
        !_isMax || Taps <= MaxPoolingNhwc.MostTaps ? input.Layout : Layout.Nchw;

    /// <summary>The geometry over [N, C, H, W].</summary>
    public Pool2dDims Over(Shape input, bool ceilMode)
    {
        if (LayoutFor(input) != input.Layout)
            throw new ArgumentException($"The window over {input} has {Taps} elements; NHWC max pooling takes at most {MaxPoolingNhwc.MostTaps}.", nameof(input));
        return Pool2dDims.Create(
            input[0], input[1], input[2], input[3], _kernel.Height, _kernel.Width, _stride.Height, _stride.Width,
            _padding.Height, _padding.Width, _padding.Height, _padding.Width, _dilation.Height, _dilation.Width, ceilMode, input.Layout);
    }

    private static void RequireAtLeast(int minimum, (int Height, int Width) pair, string name)
    {
        if (pair.Height < minimum || pair.Width < minimum)
            throw new ArgumentOutOfRangeException(name, pair, $"Height and width must be at least {minimum}.");
    }
}
