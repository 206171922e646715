using System.Text.Json.Serialization;

namespace HybridCnn.Cli.Runs;

/// <summary>
/// How far a run is, besides the state of its trainer: what its metrics, curves and means are made from. A checkpoint holds it as JSON, so that
/// the files of a resumed run go on as if it had never stopped.
/// </summary>
internal sealed class RunProgress
{
    /// <summary>More points than a chart has pixels serve nobody, and a checkpoint must not grow with the run.</summary>
    private const int MostPoints = 1024;

    /// <summary>Steps taken.</summary>
    public long Step { get; set; }

    /// <summary>Of the last step.</summary>
    public float LearningRate { get; set; }

    public List<EpochMetrics> Epochs { get; init; } = [];

    public List<CurvePoint> Curve { get; init; } = [];

    /// <summary>The epoch at hand.</summary>
    public BatchSums Epoch { get; init; } = new();

    /// <summary>The batches since the last point of the curve.</summary>
    public BatchSums Point { get; init; } = new();

    /// <summary>What the training steps of the epoch at hand have taken.</summary>
    public double EpochSeconds { get; set; }

    /// <summary><see cref="EpochSeconds"/> at the last point of the curve.</summary>
    public double PointStarted { get; set; }

    /// <summary>All that the run has taken, breaks left out.</summary>
    public double TotalSeconds { get; set; }

    [JsonIgnore]
    public long Images => Epochs.Sum(e => (long)e.Images) + Epoch.Images;

    [JsonIgnore]
    public double TrainSeconds => Epochs.Sum(e => e.Seconds) + EpochSeconds;

    /// <summary>The epoch with the highest test accuracy, the first of several; null before the first.</summary>
    [JsonIgnore]
    public EpochMetrics? Best => Epochs.MaxBy(e => e.TestAccuracy);

    /// <summary>How many epochs in a row, up to the last, have brought neither a higher test accuracy nor a lower test loss than any before.</summary>
    [JsonIgnore]
    public int EpochsWithoutBetter
    {
        get
        {
            (double accuracy, double loss) = (double.NegativeInfinity, double.PositiveInfinity);
            int count = 0;
            foreach (EpochMetrics epoch in Epochs)
            {
                count = epoch.TestAccuracy > accuracy || epoch.TestLoss < loss ? 0 : count + 1;
                (accuracy, loss) = (Math.Max(accuracy, epoch.TestAccuracy), Math.Min(loss, epoch.TestLoss));
            }

            return count;
        }
    }

    /// <summary>Ends the epoch at hand.</summary>
    public void Add(EpochMetrics row)
    {
        Epochs.Add(row);
        Epoch.Clear();
        (EpochSeconds, PointStarted) = (0, 0);
    }

    /// <summary>Adds a point; where there are too many, each two become one, and later ones join until they stand for as many batches.</summary>
    public void Add(CurvePoint point)
    {
        if (Curve is [var first, .., var last] && last.Batches + point.Batches <= first.Batches)
            Curve[^1] = last.With(point);
        else
            Curve.Add(point);
        if (Curve.Count <= MostPoints)
            return;
        int pairs = Curve.Count / 2;
        for (int i = 0; i < pairs; i++)
            Curve[i] = Curve[2 * i].With(Curve[2 * i + 1]);
        if (Curve.Count % 2 == 1)
            Curve[pairs++] = Curve[^1];
        Curve.RemoveRange(pairs, Curve.Count - pairs);
    }
}
