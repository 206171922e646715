using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Runs;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn eval</c>.</summary>
internal static class EvalCommand
{
    private const int Batch = 250;

    public static Command Create()
    {
        var weights = new Argument<string>("weights") { Description = "weights.safetensors of a run." };
        Option<string> data = new("--data") { Description = "Data set to test on; default: the one that the weights were trained on.", HelpName = string.Join('|', DataSource.Names) };
        data.AcceptOnlyFromAmong(DataSource.Names);
        Option<string> dataDirectory = CommonOptions.DataDirectory();
        Option<int> limit = CommonOptions.Limit();
        Option<int> threads = CommonOptions.Threads();
        Option<string> blasCore = CommonOptions.BlasCore();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("eval", "Tests saved weights: accuracy, loss, every class, confusion matrix.") { weights, data, dataDirectory, limit, threads, blasCore, json };
        var reading = new DataOptions();
        reading.AddForReading(command);
        command.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(weights);
            using ComputeContext context = Machine.Prepare(parsed.GetValue(threads), parsed.GetValue(blasCore));
            (Network network, ModelDescription description) = Networks.Load(file);
            string name = parsed.GetValue(data) ?? description.Data
                ?? throw UserErrorException.BadUsage($"{file} doesn't say which data set it was trained on.", "Name one with --data.");
            Evaluation evaluation = Evaluate(network, description, file, name, parsed.GetValue(dataDirectory), reading.Read(parsed), parsed.GetValue(limit), context);
            if (parsed.GetValue(json))
                EvaluationText.WriteJson(Console.Out, file, evaluation);
            else
                EvaluationText.Write(Console.Out, file, evaluation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Evaluation Evaluate(
        Network network, ModelDescription description, string file, string name, string? directory, DataSettings settings, int limit, ComputeContext context)
    {
        // Pictures become what the network takes, unless the command line says otherwise.
        if (name == DataSource.ImageFolder && settings is { ImageSize: null, Channels: 0 })
            settings = settings with { ImageSize = new(description.ImageShape[1], description.ImageShape[2]), Channels = description.ImageShape[0] };
        ImageDataset test = DataSource.Load(name, directory, settings, limit).Test;
        var image = new Shape(test.Channels, test.Height, test.Width);
        if (image != description.ImageShape || test.ClassNames.Count != description.ClassNames.Count)
        {
            throw UserErrorException.BadData(
                $"{file} is for images {description.ImageShape} of {description.ClassNames.Count} classes; {name} has {image} of {test.ClassNames.Count}.",
                "Test on the data set that the weights were trained on.");
        }

        // As the network saw images in training, whatever data set it is tested on.
        test = DataSource.First(test, test.Count, new Normalization([.. description.Mean], [.. description.Deviation]));
        return new Evaluator(network, test, Math.Min(Batch, test.Count), context).Run();
    }
}
