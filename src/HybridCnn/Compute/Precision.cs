namespace HybridCnn.Compute;

/// <summary>How far the algorithms may round.</summary>
public enum Precision
{
    /// <summary>All algorithms. The largest error of a convolution stays below 1e-5 of its largest result.</summary>
    Fast,

    /// <summary>None that rounds much more than the sum itself: below 2e-6.</summary>
    Precise,

    /// <summary>Only products and sums of the given numbers: no Winograd.</summary>
    Exact,
}
