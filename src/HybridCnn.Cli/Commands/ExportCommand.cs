using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Runs;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn export</c>.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "weights.safetensors, a checkpoint, or the folder of a run: its weights, or its latest checkpoint where it has not ended." };
        Option<string> output = new("--out")
        {
            Description = "The file to make. .safetensors: with all that eval and predict need, and what other tools read. .npz: for NumPy, the arrays alone.",
            HelpName = "file",
            Required = true,
        };
        output.Validators.Add(result =>
        {
            if (result.Tokens is [var file] && !IsNpz(file.Value) && !file.Value.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
                result.AddError($"--out {file.Value}: expected a file whose name ends in .safetensors or .npz.");
        });
        Option<string> average = CommonOptions.Choice(
            "--average", "A checkpoint made with --ema holds the weights twice. auto: the averages where there are any, as training tests them. yes: the averages. no: the weights as trained.",
            "auto", "auto", "yes", "no");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("export", "Takes the weights out of a run or a checkpoint, under PyTorch's names, as safetensors or npz.") { source, output, average, json };
        command.SetAction(parsed =>
        {
            string file = Source(parsed.GetRequiredValue(source)), target = parsed.GetRequiredValue(output), which = parsed.GetValue(average)!;
            if (File.Exists(target))
                throw UserErrorException.BadUsage($"--out {target}: exists already, and weights never overwrite a file.", "Name a new file.");
            (Network network, ModelDescription description) = Networks.Load(file, averaged: false);
            bool averaged = which != "no" && Checkpoint.LoadAverage(file, network.NamedState);
            if (which == "yes" && !averaged)
                throw UserErrorException.BadData($"--average yes: {file} holds no averages.", "Leave --average out, or name a checkpoint of a run with --ema.");
            if (IsNpz(target))
                Weights.SaveNpz(target, network.NamedState);
            else
                Weights.Save(target, network.NamedState, description);
            Tell(file, target, description.Model, network, averaged, parsed.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static bool IsNpz(string file) => file.EndsWith(".npz", StringComparison.OrdinalIgnoreCase);

    private static string Source(string path)
    {
        if (!Directory.Exists(path))
            return path;
        string weights = Path.Combine(path, "weights.safetensors");
        if (File.Exists(weights))
            return weights;
        return new CheckpointFolder(path).Latest() is [var latest, ..]
            ? latest.Path
            : throw UserErrorException.BadData($"{path} has neither weights.safetensors nor a checkpoint.", "Name the folder of a run, such as runs/NAME, or a file.");
    }

    private static void Tell(string file, string target, string model, Network network, bool averaged, bool json)
    {
        long elements = network.NamedState.Sum(named => (long)named.Parameter.Shape.Count);
        if (json)
        {
            JsonLines.Write(Console.Out, line =>
            {
                line.WriteString("event", "export");
                line.WriteString("from", file);
                line.WriteString("file", target);
                line.WriteString("model", model);
                line.WriteNumber("tensors", network.NamedState.Count);
                line.WriteNumber("elements", elements);
                line.WriteBoolean("averaged", averaged);
            });
            return;
        }

        Console.WriteLine($"{target}: {model} from {file}, {network.NamedState.Count} tensors with {elements:#,0} elements{(averaged ? ", the averages of the weights" : "")}");
    }
}
