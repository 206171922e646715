namespace HybridCnn.Compute;

/// <summary>How far the algorithms may round: the largest error of a convolution, relative to its largest result.</summary>
/// <remarks>For up to 512 channels of 3x3; the remarks of the enumeration of algorithms say for which numbers.</remarks>
public enum Precision
{
    /// <summary>All algorithms: below 6e-6.</summary>
    Fast,

    /// <summary>None that rounds more than a plain sum of products: below 2e-6.</summary>
    Precise,

    /// <summary>Only products and sums of the given numbers, no Winograd: below 2e-6, and exact on small whole numbers whose sums are below 2²⁴.</summary>
    Exact,
}
