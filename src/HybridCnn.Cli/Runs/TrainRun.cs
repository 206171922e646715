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
    public static int Run(TrainSettings settings, RunPlace place, string? output, bool json, bool noProgress)
    {
        var clock = Stopwatch.StartNew();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Resumption? from = place.From;
        using ComputeContext context = Machine.Prepare(settings.ComputeOptions(), settings.BlasCore);
        (ImageDataset train, ImageDataset test) = DataSource.Load(settings.Data, settings.DataDirectory, settings.Loading, settings.Limit);
        if (settings.Batch > train.Count)
            throw UserErrorException.BadUsage($"--batch {settings.Batch}: there are only {train.Count} training images.", $"Choose a batch of at most {train.Count}.");

        if (settings.TuneCache is not null && !settings.Tune)
            throw UserErrorException.BadUsage($"--tune-cache {settings.TuneCache}: nothing is tuned.", "Add --tune, or leave it out.");

        // Independent sequences from one seed, so that a change in one never shifts the other.
        var seeds = new SeededRandom(settings.Seed);
        Network network = Networks.Create(settings.Model, train, seeds.NextBits());
        if (settings.Recompute)
            Networks.RecomputeBlocks(settings.Model, network);
        BatchLoader loader = CreateLoader(settings, train, new SeededRandom(seeds.NextBits()));
        MachineInfo machine = Machine.Describe(context);
        var data = new DataInfo(train.Name, train.Count, test.Count, train.Channels, train.Height, train.Width, train.ClassNames);
        if (from is not null)
        {
            from.RequireSame(settings, data);
            // Before a thread reads ahead of it.
            loader.Seek(from.Position);
            if (from.MachineDifference(machine, settings.Deterministic) is { } difference)
                Console.Error.WriteLine($"note: {difference}");
        }

        if (settings.Init is not null && from is null)
            Initialize(network, settings.Init);
        if (settings.Tune)
            Tuning.Run(network, loader.BatchShape, context, settings.TuneCache);
        RunProgress progress = from?.Progress ?? new();
        RunFolder folder = place.Folder is null ? RunFolder.Create(output, settings.Model, settings.Data, now) : RunFolder.Continue(place.Folder);
        using RunLock? taken = place.Folder is null ? RunLock.Take(folder.Path) : null;
        var run = new RunRecord(from?.Started ?? now, settings.CommandLine(), settings, machine, data, Networks.Describe(settings.Model, network), Result: null)
        {
            Resumes = from is null ? [] : [.. from.Resumes, new(now, progress.Step, from.Path)],
        };
        folder.WriteRun(run);
        if (place.Folder is not null || from is not null)
            folder.Restore(progress.Epochs);
        ModelDescription description = Networks.Description(settings, train);
        CheckpointWriter? checkpoints = null;
        if (settings.Checkpoints.Every != CheckpointSettings.Never)
        {
            folder.Checkpoints.Create();
            checkpoints = new(folder.Checkpoints, settings.Checkpoints, description, run) { Last = from?.Path };
        }

        RunDisplay display = RunDisplay.Choose(json, noProgress);
        // Before the display says that there is something to interrupt.
        using var interruption = new Interruption();
        display.Started(run, folder);
        using PrefetchedBatches? ahead = settings.Loading.Prefetch > 0 ? new PrefetchedBatches(loader, settings.Loading.Prefetch + 1) : null;
        using EventFile? events = settings.Tensorboard ? EventFile.Create(folder.Path, from?.Progress.Step) : null;
        var loop = new TrainLoop(settings, network, ahead is null ? loader : ahead, new Evaluator(network, test, settings.Batch, context), context, display, folder, progress, clock)
        {
            Events = events,
            Checkpoints = checkpoints,
            ResumeFrom = from?.Path,
        };
        // Reading and unpacking leaves garbage as large as the data, and training makes too little for the collector to come by itself.
        GC.Collect();
        loop.Run(interruption.Token);

        run = run with { Result = loop.Result() };
        if (loop.Evaluation is not null)
            Weights.Save(folder.Weights, network.NamedState, description);
        folder.WriteReport(new HtmlReport(run, progress.Epochs, progress.Curve, loop.Evaluation, Networks.FirstFilters(network), loop.Times).Write());
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

    private static void Initialize(Network network, string file)
    {
        IReadOnlyList<string> troubles = Weights.LoadFitting(file, network.NamedState);
        Console.Error.WriteLine($"note: the weights are from {file}{(troubles.Count == 0 ? "." : $", but for {troubles.Count} that don't fit:")}");
        foreach (string trouble in troubles)
            Console.Error.WriteLine($"  {trouble}");
    }

    private static int Ending(RunRecord run) => run.Result!.Status switch
    {
        TrainLoop.Completed or TrainLoop.Stopped => ExitCode.Ok,
        TrainLoop.Interrupted => ExitCode.Interrupted,
        _ => throw new UserErrorException(
            ExitCode.Diverged, $"Training diverged after {run.Result.ImagesTrained:#,0} images: the loss is no longer a number.", $"Lower --lr; it was {run.Settings.Recipe.LearningRate}.{(run.Result.Checkpoint is { } last ? $" --init {last} starts from the last weights that were saved." : "")}"),
    };
}
