namespace HybridCnn.Operators;

/// <summary>How a convolution is computed. Every algorithm gives the same result up to the rounding of float32.</summary>
public enum ConvolutionAlgorithm
{
    /// <summary>The first of the others, in their order, that takes the problem.</summary>
    Automatic,

    /// <summary>A product of matrices on the image itself; for 1x1 kernels at stride 1 without padding.</summary>
    Pointwise,

    /// <summary>Patches are written as columns of a matrix, block by block, and multiplied; takes every problem.</summary>
    Im2Col,
}
