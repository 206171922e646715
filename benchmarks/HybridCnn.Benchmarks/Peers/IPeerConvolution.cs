namespace HybridCnn.Benchmarks.Peers;

/// <summary>The passes of one convolution without bias, on fixed data, as somebody else computes them.</summary>
internal interface IPeerConvolution : IDisposable
{
    /// <summary>What is timed for "fwd", "bwdd" or "bwdw".</summary>
    Action Step(string pass);

    /// <summary>The pass's result in the order of the shape, NCHW.</summary>
    double[] Result(string pass);
}
