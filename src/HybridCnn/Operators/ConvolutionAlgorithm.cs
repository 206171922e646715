namespace HybridCnn.Operators;

/// <summary>
/// How a convolution is computed. Every algorithm gives the same result up to the rounding of float32, in all three passes.
/// </summary>
/// <remarks>
/// The largest error of a pass, relative to its largest result, with OpenBLAS or the portable SGEMM and up to 4608 summands K (512 channels of 3x3):
/// below 2√K·2⁻²⁴ and 2e-6, for <see cref="WinogradF4"/> below 6e-6. That holds for numbers of any sign, mean and range between
/// channels; where all of them are equal, roundings add up instead of evening out, and it is 8e-6 for all algorithms. It says nothing where the
/// results are what remains of much larger sums, nor of other BLAS: the reference BLAS adds one product after the other, and rounds more.
/// On small whole numbers all but <see cref="WinogradF4"/> are exact.
/// </remarks>
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

    /// <summary>Winograd's F(4x4, 3x3), NHWC; the least operations. Largest error below 6e-6 of the largest result.</summary>
    WinogradF4,

    /// <summary>Winograd's F(2x2, 3x3), NHWC; rounds no more than a plain sum.</summary>
    WinogradF2,

    /// <summary>A sum over the kernel's elements of products on the image itself, NHWC; in registers where channels fill them.</summary>
    Taps,

    /// <summary>Sums in registers over pixels by filters, without products of matrices and without lowering, NHWC; for few input channels.</summary>
    FewChannels,

    /// <summary>Patches are written as rows or columns of a matrix, block by block, and multiplied; takes every problem.</summary>
    Im2Col,
}
