using System.CommandLine;
using System.CommandLine.Parsing;
using HybridCnn.Cli.Runs;
using HybridCnn.Models;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn train</c>.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        Option<string> data = CommonOptions.Choice("--data", "What to learn: digits are drawn by the program itself, the others come from --data-dir.", DataSource.Digits, DataSource.Names);
        Option<string> dataDirectory = CommonOptions.DataDirectory();
        Option<string> model = CommonOptions.Choice("--model", "lenet: 20 and 50 filters, 500 hidden units. lenet5: 6 and 16 filters, 120 and 84 hidden units. "
            + "vgg-cifar: six 3x3 convolutions of 64 to 256 filters with batch normalization, 512 hidden units. resnet9, resnet20: residual networks for small pictures. "
            + "The others are those of ImageNet.", "lenet", [.. ModelCatalog.Names]);
        Option<int> epochs = CommonOptions.WholeNumber("--epochs", "Passes over the training images.", 4, 1, 100_000);
        Option<int> batch = CommonOptions.WholeNumber("--batch", "Images per step.", 64, 1, 65_536);
        Option<ulong> seed = CommonOptions.Seed();
        Option<int> threads = CommonOptions.Threads();
        Option<string> precision = CommonOptions.Choice("--precision", "How far convolutions may round. fast: all algorithms. precise: none that rounds much more than the sum itself. exact: no Winograd.", "fast", "fast", "precise", "exact");
        Option<bool> deterministic = new("--deterministic") { Description = "The same bits for any number of threads, not only for the same number." };
        Option<bool> recompute = CommonOptions.Recompute();
        Option<bool> tune = new("--tune") { Description = "Measures first which algorithm of each convolution is the fastest here, and remembers it: some seconds, once." };
        Option<string> tuneCache = new("--tune-cache") { Description = "File that --tune reads and adds to. Default: HYBRIDCNN_TUNE_CACHE, else in your folder for caches.", HelpName = "file" };
        Option<string> blasCore = CommonOptions.BlasCore();
        Option<int> limit = CommonOptions.Limit();
        Option<string> output = new("--out") { Description = "Run folder; it must not exist yet, but with --resume auto. Default: runs/<date>-<time>-<model>-<data>.", HelpName = "dir" };
        Option<bool> tensorBoard = new("--tensorboard") { Description = "Also writes events.out.tfevents.* into the run folder: 'tensorboard --logdir runs' draws them while training runs." };
        Option<string> resume = new("--resume")
        {
            Description = "Go on from a checkpoint, with the settings that the run was begun with; they need not be given again. auto: from the latest one in the folder that --out names, or begin if "
                + "there is none. The folder of a run: likewise, and there must be one. A checkpoint: in a new folder.",
            HelpName = "auto|path",
        };
        Option<string> init = new("--init")
        {
            Description = "Start from the weights of this file instead of random ones: of a run, a checkpoint, or another tool, under PyTorch's names, as safetensors or npz. What doesn't fit, such as "
                + "the last layer for other classes, is listed and stays random.",
            HelpName = "file",
        };
        Option<int> earlyStop = CommonOptions.WholeNumber("--early-stop", "End after so many epochs in a row with neither a higher test accuracy nor a lower test loss than any before; 0 = never.", 0, 0, 100_000);
        var checkpoints = new CheckpointOptions();
        Option<bool> json = CommonOptions.Json();
        Option<bool> noProgress = new("--no-progress") { Description = "Plain lines instead of a moving progress display." };

        var command = new Command("train", "Trains a network, saves weights, metrics and a report.")
        {
            data, dataDirectory, model, epochs, batch,
            seed, threads, precision, deterministic, recompute, tune, tuneCache, blasCore, limit, output, init, earlyStop, resume, tensorBoard, json, noProgress,
        };
        checkpoints.AddTo(command);
        var loading = new DataOptions();
        loading.AddForTraining(command);
        var recipe = new OptimizerOptions();
        recipe.AddTo(command);
        command.SetAction(typed =>
        {
            using RunPlace place = RunPlace.Find(typed.GetValue(resume), typed.GetValue(output));
            ParseResult parsed = place.CommandLine is { } before ? Completed(command, typed, before) : typed;
            var settings = new TrainSettings
            {
                Data = parsed.GetValue(data)!,
                DataDirectory = parsed.GetValue(dataDirectory),
                Model = parsed.GetValue(model)!,
                Epochs = parsed.GetValue(epochs),
                Batch = parsed.GetValue(batch),
                Recipe = recipe.Read(parsed, parsed.GetValue(epochs)),
                Seed = parsed.GetValue(seed),
                Threads = parsed.GetValue(threads),
                Precision = parsed.GetValue(precision)!,
                Deterministic = parsed.GetValue(deterministic),
                Recompute = parsed.GetValue(recompute),
                Tune = parsed.GetValue(tune),
                TuneCache = parsed.GetValue(tuneCache),
                BlasCore = parsed.GetValue(blasCore),
                Limit = parsed.GetValue(limit),
                Loading = loading.Read(parsed),
                Tensorboard = parsed.GetValue(tensorBoard),
                Init = parsed.GetValue(init),
                EarlyStop = parsed.GetValue(earlyStop),
                Checkpoints = checkpoints.Read(parsed),
            };
            return TrainRun.Run(settings, place, parsed.GetValue(output), parsed.GetValue(json), parsed.GetValue(noProgress));
        });
        return command;
    }
    /// <summary>The options that were typed, and those of the run that goes on for all that were not.</summary>
    private static ParseResult Completed(Command command, ParseResult typed, string before)
    {
        OptionResult[] given = [.. typed.CommandResult.Children.OfType<OptionResult>().Where(option => !option.Implicit)];
        var arguments = new List<string>();
        bool kept = false;
        foreach (string word in CommandLineParser.SplitCommandLine(before).SkipWhile(word => !word.StartsWith("--", StringComparison.Ordinal)))
        {
            if (word.StartsWith("--", StringComparison.Ordinal))
                kept = !given.Any(option => option.Option.Name == word || option.Option.Aliases.Contains(word));
            if (kept)
                arguments.Add(word);
        }

        ParseResult all = command.Parse([.. arguments, .. given.SelectMany(option => option.Tokens.Select(token => token.Value).Prepend(option.Option.Name))]);
        return all.Errors.Count == 0
            ? all
            : throw UserErrorException.BadUsage($"With the settings of the run that goes on: {all.Errors[0].Message}", $"The run was begun with: {before}");
    }
}
