using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>What a convolution layer knows before it sees an input; checked when the layer is made.</summary>
internal readonly record struct ConvolutionSettings
{
    /// <exception cref="ArgumentException">A value that is out of range or doesn't fit another one; the message names it.</exception>
    public ConvolutionSettings(
        int inChannels, int outChannels, (int Height, int Width) kernelSize, (int Height, int Width) stride,
        (int Top, int Left, int Bottom, int Right) padding, (int Height, int Width) dilation, int groups)
    {
        InChannels = AtLeast(1, inChannels, nameof(inChannels));
        OutChannels = AtLeast(1, outChannels, nameof(outChannels));
        Kernel = AtLeast(1, kernelSize, nameof(kernelSize));
        Stride = AtLeast(1, stride, nameof(stride));
        Dilation = AtLeast(1, dilation, nameof(dilation));
        Padding = padding;
        AtLeast(0, (padding.Top, padding.Left), nameof(padding));
        AtLeast(0, (padding.Bottom, padding.Right), nameof(padding));
        Groups = AtLeast(1, groups, nameof(groups));
        if (inChannels % groups != 0)
            throw new ArgumentException($"groups must divide inChannels; got groups = {groups}, inChannels = {inChannels}.", nameof(groups));
        if (outChannels % groups != 0)
            throw new ArgumentException($"groups must divide outChannels; got groups = {groups}, outChannels = {outChannels}.", nameof(groups));
    }

    public int InChannels { get; }

    public int OutChannels { get; }

    public (int Height, int Width) Kernel { get; }

    public (int Height, int Width) Stride { get; }

    public (int Top, int Left, int Bottom, int Right) Padding { get; }

    public (int Height, int Width) Dilation { get; }

    public int Groups { get; }

    /// <summary>The geometry of an ordinary convolution over [N, C, H, W].</summary>
    public Conv2dDims Over(Shape images) => Conv2dDims.Create(
        images[0], images[1], images[2], images[3], OutChannels, Kernel.Height, Kernel.Width, Stride.Height, Stride.Width,
        Padding.Top, Padding.Left, Padding.Bottom, Padding.Right, Dilation.Height, Dilation.Width, Groups, images.Layout);

    public static (int Height, int Width) AtLeast(int minimum, (int Height, int Width) value, string name) =>
        (AtLeast(minimum, value.Height, name), AtLeast(minimum, value.Width, name));

    private static int AtLeast(int minimum, int value, string name) => value >= minimum
        ? value
        : throw new ArgumentException($"{name} must be at least {minimum}; got {value}.", name);
}
