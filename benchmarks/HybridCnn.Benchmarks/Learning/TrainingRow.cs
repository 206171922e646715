namespace HybridCnn.Benchmarks.Learning;

/// <summary>One training on both sides.</summary>
/// <param name="Network">By name.</param>
/// <param name="Data">By name.</param>
/// <param name="Seed">Of weights, order and variations.</param>
/// <param name="TrainImages">Of an epoch, those included that fill no batch.</param>
/// <param name="TestImages">That the accuracy is of.</param>
internal sealed record TrainingRow(string Network, string Data, ulong Seed, int TrainImages, int TestImages)
{
    /// <summary>In order.</summary>
    public List<TrainingEpoch> Epochs { get; } = [];

    /// <summary>The largest difference of the losses of the first steps, of the loss.</summary>
    public double FirstLosses { get; set; }

    /// <summary>Share of the test images that both sides put into the same class in the end, right or wrong.</summary>
    public double SameAnswers { get; set; }

    /// <summary>What our steps took, in turns with the peer's.</summary>
    public double OurSeconds { get; set; }

    /// <summary>What the peer's steps took.</summary>
    public double PeerSeconds { get; set; }

    /// <summary>Share of right answers in the end.</summary>
    public double OurAccuracy => Epochs[^1].OurAccuracy;

    /// <summary>Share of right answers in the end.</summary>
    public double PeerAccuracy => Epochs[^1].PeerAccuracy;
}

/// <summary>Mean losses while the weights changed, and shares of right answers on the test images afterwards.</summary>
internal sealed record TrainingEpoch(double OurLoss, double PeerLoss, double OurAccuracy, double PeerAccuracy)
{
    public override string ToString() => FormattableString.Invariant(
        $"loss ours {OurLoss:0.0000}, peer {PeerLoss:0.0000}; test accuracy ours {100 * OurAccuracy:0.00} %, peer {100 * PeerAccuracy:0.00} %");
}
