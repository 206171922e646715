using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Display;

/// <summary>Where a training is, some times a second.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Share">Of the epoch's images, 0 to 1.</param>
/// <param name="Loss">Mean over the latest batches.</param>
/// <param name="Accuracy">Likewise.</param>
/// <param name="ImagesPerSecond">Since the epoch began.</param>
/// <param name="Remaining">Estimated time to the end of the last epoch.</param>
internal readonly record struct TrainProgress(int Epoch, double Share, double Loss, double Accuracy, double ImagesPerSecond, TimeSpan Remaining);

/// <summary>
/// Shows a training. Called by the training thread alone, between batches: nothing else writes to the console, and no
/// second thread takes time from the workers.
/// </summary>
internal abstract class RunDisplay
{
    public abstract void Started(RunRecord run, RunFolder folder);

    /// <summary>Runs one epoch, with whatever display it has around it.</summary>
    public virtual void RunEpoch(int epoch, Action body) => body();

    /// <summary>Whether and how often <see cref="Progress"/> is wanted; null = never.</summary>
    public abstract TimeSpan? ProgressInterval { get; }

    public abstract void Progress(TrainProgress progress);

    public abstract void EpochDone(EpochMetrics epoch);

    public abstract void Finished(RunRecord run, RunFolder folder);

    /// <summary>A moving display on a terminal; plain lines in a pipe, in CI, on a simple terminal or when asked for.</summary>
    public static RunDisplay Choose(bool json, bool noProgress)
    {
        if (json)
            return new JsonDisplay(Console.Out);
        bool moving = !noProgress && !Console.IsOutputRedirected && Spectre.Console.AnsiConsole.Profile.Capabilities.Ansi
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));
        return moving ? new LiveDisplay() : new PlainDisplay(Console.Out);
    }
}
