namespace HybridCnn.Operators;

/// <summary>The three computations of a convolution.</summary>
public enum ConvolutionPass
{
    /// <summary>y from x.</summary>
    Forward,

    /// <summary>dx from dy.</summary>
    BackwardData,

    /// <summary>dw and db from x and dy.</summary>
    BackwardWeights,
}
