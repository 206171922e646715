using System.Diagnostics;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Reports;
using HybridCnn.Cli.TensorBoard;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Runs;

/// <summary>One training from settings to report: data, network, run folder, loop, files.</summary>
internal static class TrainRun
{
    /// <returns>The exit code.</returns>
    public static int Run(TrainSettings settings, string? output, bool json, bool noProgress)
    {
        var clock = Stopwatch.StartNew();
        DateTimeOffset started = DateTimeOffset.UtcNow;
        using ComputeContext context = Machine.Prepare(settings.ComputeOptions(), settings.BlasCore);
        (ImageDataset train, ImageDataset test) = DataSource.Load(settings.Data, settings.DataDirectory, settings.Loading, settings.Limit);
        if (settings.Batch > train.Count)
            throw UserErrorException.BadUsage($"--batch {settings.Batch}: there are only {train.Count} training images.", $"Choose a batch of at most {train.Count}.");

        if (settings.TuneCache is not null && !settings.Tune)
            throw UserErrorException.BadUsage($"--tune-cache {settings.TuneCache}: nothing is tuned.", "Add --tune, or leave it out.");

        // Independent sequences from one seed, so that a change in one never shifts the other.
        var seeds = new SeededRandom(settings.Seed);
        Network network = Networks.Create(settings.Model, train, seeds.NextBits());
        BatchLoader loader = CreateLoader(settings, train, new SeededRandom(seeds.NextBits()));

        if (settings.Tune)
            Tuning.Run(network, loader.BatchShape, context, settings.TuneCache);
        RunFolder folder = RunFolder.Create(output, settings.Model, settings.Data, started);
        var run = new RunRecord(
            started, settings.CommandLine(), settings, Machine.Describe(context),
            new(train.Name, train.Count, test.Count, train.Channels, train.Height, train.Width, train.ClassNames),
            Networks.Describe(settings.Model, network), Result: null);
        folder.WriteRun(run);

        RunDisplay display = RunDisplay.Choose(json, noProgress);
        display.Started(run, folder);
        using var interruption = new Interruption();
        using PrefetchedBatches? ahead = settings.Loading.Prefetch > 0 ? new PrefetchedBatches(loader, settings.Loading.Prefetch + 1) : null;
        using EventFile? events = settings.Tensorboard ? EventFile.Create(folder.Path) : null;
        var loop = new TrainLoop(settings, network, ahead is null ? loader : ahead, new Evaluator(network, test, settings.Batch, context), context, display, folder) { Events = events };
        loop.Run(interruption.Token);

        run = run with { Result = loop.Result(clock.Elapsed.TotalSeconds) };
        if (loop.Evaluation is not null)
            Weights.Save(folder.Weights, network.NamedState, Networks.Description(settings, train));
        folder.WriteReport(new HtmlReport(run, loop.Epochs, loop.Curve, loop.Evaluation, Networks.FirstFilters(network)).Write());
        folder.WriteRun(run);
        display.Finished(run, folder);
        if (ConvolutionFallbacks.Count > 0)
            Console.Error.WriteLine($"note: {ConvolutionFallbacks.Count} convolution passes ran the general algorithm, which is slower. The first: {ConvolutionFallbacks.Reasons[0]}.");
        return Ending(run);
    }

    private static BatchLoader CreateLoader(TrainSettings settings, ImageDataset train, SeededRandom shuffle)
    {
        Augmentation? augmentation = settings.Loading.Augment is { } text ? AugmentationText.Parse(text, train.Height, train.Width) : null;
        try
        {
            return new BatchLoader(train, settings.Batch, shuffle, augmentation);
        }
        catch (ArgumentOutOfRangeException e) when (augmentation is not null)
        {
            throw UserErrorException.BadUsage($"--augment {settings.Loading.Augment}: {e.Message.Split(" (")[0]}", $"The images are {train.Height}x{train.Width}; choose values for that size.");
        }
    }

    private static int Ending(RunRecord run) => run.Result!.Status switch
    {
        TrainLoop.Completed => ExitCode.Ok,
        TrainLoop.Interrupted => ExitCode.Interrupted,
        _ => throw new UserErrorException(
            ExitCode.Diverged, $"Training diverged after {run.Result.ImagesTrained:#,0} images: the loss is no longer a number.", $"Lower --lr; it was {run.Settings.Recipe.LearningRate}."),
    };
}
