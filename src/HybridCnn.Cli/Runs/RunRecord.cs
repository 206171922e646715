namespace HybridCnn.Cli.Runs;

/// <summary>What <c>run.json</c> holds: all that was decided before the run, and its result once there is one.</summary>
internal sealed record RunRecord(
    DateTimeOffset Started, string CommandLine, TrainSettings Settings, MachineInfo Machine, DataInfo Data, NetworkInfo Network, RunResult? Result)
{
    /// <summary>Where the run was broken off and resumed, in order; the last one is this process's.</summary>
    public IReadOnlyList<RunResume> Resumes { get; init; } = [];
}

/// <summary>A break in a run.</summary>
/// <param name="At">When it went on.</param>
/// <param name="Step">Steps taken before; what came after them and before the break was lost.</param>
/// <param name="From">The checkpoint.</param>
internal sealed record RunResume(DateTimeOffset At, long Step, string From);

/// <summary>The data set as used, after any limit.</summary>
internal sealed record DataInfo(string Name, int TrainImages, int TestImages, int Channels, int Height, int Width, IReadOnlyList<string> ClassNames);

/// <summary>The network by name, its layers in words, its number of parameters.</summary>
internal sealed record NetworkInfo(string Model, IReadOnlyList<string> Layers, long Parameters);

/// <summary>How a run ended. Test figures are null when the weights are no use.</summary>
/// <param name="Status">"completed", "stopped" where no better epoch came, "interrupted" or "diverged".</param>
/// <param name="TestAccuracy">Share of right answers with the saved weights.</param>
/// <param name="TestLoss">Mean cross-entropy with the saved weights, in nats.</param>
/// <param name="ImagesTrained">Over all epochs.</param>
/// <param name="TrainSeconds">Training steps alone.</param>
/// <param name="TotalSeconds">With data and evaluation, up to the report; without what a break has cost.</param>
/// <param name="ImagesPerSecond">Images trained by training seconds.</param>
internal sealed record RunResult(
    string Status, double? TestAccuracy, double? TestLoss, long ImagesTrained, double TrainSeconds, double TotalSeconds, double ImagesPerSecond)
{
    /// <summary>The latest checkpoint; null where none was saved, and in runs from before there were any.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The epoch with the highest test accuracy, the first of several; null without epochs, and in older runs.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>Share of right answers after that epoch.</summary>
    public double? BestTestAccuracy { get; init; }
}

/// <summary>One line of <c>metrics.csv</c> and <c>metrics.jsonl</c>.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Images">Trained on in this epoch; fewer than all when interrupted.</param>
/// <param name="LearningRate">Of the epoch's last step.</param>
/// <param name="TrainLoss">Mean over the epoch's steps, while the weights changed.</param>
/// <param name="TrainAccuracy">Likewise.</param>
/// <param name="TestLoss">After the epoch.</param>
/// <param name="TestAccuracy">After the epoch.</param>
/// <param name="ImagesPerSecond">Training steps alone.</param>
/// <param name="Seconds">Training steps alone.</param>
/// <param name="DataWait">Share of <paramref name="Seconds"/> in which training waited for images, 0 to 1.</param>
internal sealed record EpochMetrics(
    int Epoch, int Images, float LearningRate, double TrainLoss, double TrainAccuracy, double TestLoss, double TestAccuracy, double ImagesPerSecond, double Seconds, double DataWait)
{
    /// <summary>The most memory that the process has held by the epoch's end; null where the system doesn't say, and in runs from before it was measured.</summary>
    public long? PeakResidentBytes { get; init; }
}

/// <summary>What the training batches around one moment measured, for the report's curves and for TensorBoard.</summary>
/// <param name="Epoch">Passes over the data until then, with a fraction.</param>
/// <param name="Loss">Mean over the batches since the last point.</param>
/// <param name="Accuracy">Likewise.</param>
/// <param name="LearningRate">Of the last of these batches.</param>
/// <param name="ImagesPerSecond">Training steps alone.</param>
/// <param name="DataWait">Share of the time in which training waited for images, 0 to 1.</param>
internal sealed record CurvePoint(double Epoch, double Loss, double Accuracy, double LearningRate, double ImagesPerSecond, double DataWait)
{
    /// <summary>How many batches it stands for.</summary>
    public int Batches { get; init; } = 1;

    /// <summary>One point for this one and the next.</summary>
    public CurvePoint With(CurvePoint next)
    {
        double share = (double)next.Batches / (Batches + next.Batches), time = Batches / ImagesPerSecond, nextTime = next.Batches / next.ImagesPerSecond;
        return new(
            Mean(Epoch, next.Epoch), Mean(Loss, next.Loss), Mean(Accuracy, next.Accuracy), next.LearningRate,
            (Batches + next.Batches) / (time + nextTime), (DataWait * time + next.DataWait * nextTime) / (time + nextTime))
        { Batches = Batches + next.Batches };

        double Mean(double mine, double other) => mine + share * (other - mine);
    }
}
