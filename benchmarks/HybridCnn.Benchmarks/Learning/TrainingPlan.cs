using HybridCnn.Data;
using HybridCnn.Training;

namespace HybridCnn.Benchmarks.Learning;

/// <summary>How both sides of `versus --train` train: stochastic gradient descent with momentum and weight decay on all parameters, one cycle of the learning rate.</summary>
/// <param name="Network">A network that both sides have.</param>
/// <param name="Epochs">Passes over the training images.</param>
/// <param name="Batch">Images per step.</param>
/// <param name="Threads">Of both sides.</param>
/// <param name="HighestRate">Of the learning rate.</param>
internal sealed record TrainingPlan(string Network, int Epochs, int Batch, int Threads, float HighestRate)
{
    public const float Momentum = 0.9f, WeightDecay = 5e-4f;

    private const int UsualBatch = 64, ResidualBatch = 128;
    private const float UsualRate = 0.02f, ResidualRate = 0.2f;

    /// <summary>The plan of a network, with its usual learning rate and, unless one is given, batch.</summary>
    public static TrainingPlan Of(string network, int epochs, int? batch, int threads) => network.StartsWith("resnet", StringComparison.Ordinal)
        ? new(network, epochs, batch ?? ResidualBatch, threads, ResidualRate)
        : new(network, epochs, batch ?? UsualBatch, threads, UsualRate);

    /// <summary>The learning rate of every step.</summary>
    public Schedule Schedule(int stepsPerEpoch) => new OneCycleSchedule(HighestRate, (long)stepsPerEpoch * Epochs);

    /// <summary>How training images are varied: crops for all, and mirror images of coloured ones, as digits have none.</summary>
    public static Augmentation Augmentation(ImageDataset images) =>
        images.Channels == 3 ? new() { CropPadding = 4, HorizontalFlip = true } : new() { CropPadding = 2 };

    /// <summary>In words, for a report's header.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{Network}: {Epochs} epochs, batch {Batch}, {Threads} thread(s), SGD, one cycle up to {HighestRate}, momentum {Momentum}, weight decay {WeightDecay}");
}
