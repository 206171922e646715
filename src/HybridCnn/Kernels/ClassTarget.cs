namespace HybridCnn.Kernels;

/// <summary>
/// What a classifier should answer for one row, as a weight q for each class: w·((1 - smoothing)·t + smoothing / K), where t is
/// 1 for the label and 0 for the others, or the share of each class (label smoothing: Szegedy et al., Rethinking the Inception
/// architecture, 2016).
/// </summary>
internal readonly ref struct ClassTarget
{
    private readonly ReadOnlySpan<float> _shares, _classWeights;
    private readonly int _label;
    private readonly double _keep, _floor;

    /// <summary>One class.</summary>
    /// <param name="label">In [0, K).</param>
    /// <param name="classes">K.</param>
    /// <param name="smoothing">From 0 to 1.</param>
    /// <param name="classWeights">[K], or empty for 1.</param>
    public ClassTarget(int label, int classes, float smoothing = 0, ReadOnlySpan<float> classWeights = default)
    {
        _label = label;
        _classWeights = classWeights;
        _keep = 1.0 - smoothing;
        _floor = (double)smoothing / classes;
    }

    /// <summary>Shares of classes [K], as of mixed images.</summary>
    public ClassTarget(ReadOnlySpan<float> shares, float smoothing, ReadOnlySpan<float> classWeights)
        : this(-1, shares.Length, smoothing, classWeights) => _shares = shares;

    /// <summary>q of a class.</summary>
    public double this[int k]
    {
        get
        {
            double share = _shares.IsEmpty ? (k == _label ? 1 : 0) : _shares[k];
            double q = share * _keep + _floor;
            return _classWeights.IsEmpty ? q : q * _classWeights[k];
        }
    }
}
