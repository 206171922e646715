using System.Text.Json.Serialization;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>Sums over training batches, for their means. A checkpoint holds them: a mean over a break is the one without it, bit for bit.</summary>
internal sealed class BatchSums
{
    public double LossSum { get; set; }

    public long Correct { get; set; }

    public int Images { get; set; }

    public int Batches { get; set; }

    /// <summary>Seconds in which training waited for these batches.</summary>
    public double WaitSeconds { get; set; }

    /// <summary>Mean of the batches, which all have one size.</summary>
    [JsonIgnore]
    public double Loss => LossSum / Math.Max(Batches, 1);

    [JsonIgnore]
    public double Accuracy => (double)Correct / Math.Max(Images, 1);

    public void Add(StepResult step)
    {
        LossSum += step.Loss;
        Correct += step.Correct;
        Images += step.Count;
        WaitSeconds += step.DataWait.TotalSeconds;
        Batches++;
    }

    public void Clear() => (LossSum, Correct, Images, Batches, WaitSeconds) = (0, 0, 0, 0, 0);
}
