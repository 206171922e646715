namespace HybridCnn.Operators;

/// <summary>
/// How a convolution is computed. Every algorithm gives the same result up to the rounding of float32; the Winograd forms round
/// more coarsely, within the bounds that they state.
/// </summary>
public enum ConvolutionAlgorithm
{
    /// <summary>For each pass, the first of the others that takes the problem and is expected to be the fastest.</summary>
    Automatic,

    /// <summary>A product of matrices on the image itself; for 1x1 kernels at stride 1 without padding.</summary>
    Pointwise,

    /// <summary>Channel by channel without products of matrices, NHWC; for as many groups as channels.</summary>
    Depthwise,

    /// <summary>Sums of shifted planes without products of matrices, NCHW; for groups of few channels.</summary>
    Direct,

    /// <summary>Winograd's F(4x4, 3x3), NHWC; largest error below 1e-5 of the largest result.</summary>
    WinogradF4,

    /// <summary>Winograd's F(2x2, 3x3), NHWC; largest error below 2e-6 of the largest result.</summary>
    WinogradF2,

    /// <summary>A sum over the kernel's elements of products on the image itself, NHWC.</summary>
    Taps,

    /// <summary>Patches are written as rows or columns of a matrix, block by block, and multiplied; takes every problem.</summary>
    Im2Col,
}
