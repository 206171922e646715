using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Pictures;
using HybridCnn.Cli.Runs;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn predict</c>.</summary>
internal static class PredictCommand
{
    private const int Shown = 3;

    public static Command Create()
    {
        var weights = new Argument<string>("weights") { Description = "weights.safetensors of a run." };
        var files = new Argument<string[]>("files") { Description = "Pictures: PNG, JPEG, WebP, BMP or GIF.", Arity = ArgumentArity.OneOrMore };
        Option<string> invert = CommonOptions.Choice("--invert", "Exchange bright and dark; auto does so when the ground is bright.", "auto", "auto", "yes", "no");
        Option<int> threads = CommonOptions.Threads();
        Option<string> blasCore = CommonOptions.BlasCore();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("predict", "Says what pictures show.") { weights, files, invert, threads, blasCore, json };
        command.SetAction(parsed =>
        {
            bool? exchange = parsed.GetValue(invert) switch { "yes" => true, "no" => false, _ => null };
            using ComputeContext context = Machine.Prepare(parsed.GetValue(threads), parsed.GetValue(blasCore));
            (Network network, ModelDescription description) = Networks.Load(parsed.GetRequiredValue(weights));
            foreach (string file in parsed.GetRequiredValue(files))
                Predict(network, description, file, exchange, context, parsed.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Predict(Network network, ModelDescription description, string file, bool? invert, ComputeContext context, bool json)
    {
        Shape shape = description.ImageShape;
        // As in training: pictures of a folder were cut to fill the size, and dark or bright as they are.
        ImageFile picture = description.Data == DataSource.ImageFolder && invert is null
            ? new ImageFile(PictureDecoder.Decode(file, shape[0], shape[1], shape[2]).Pixels, Inverted: false)
            : ImageFile.Load(file, shape[0], shape[1], shape[2], invert);
        var x = new Tensor(new Shape(1, shape[0], shape[1], shape[2]));
        new Normalization([.. description.Mean], [.. description.Deviation]).Apply(picture.Pixels, x.Span);
        var y = new Tensor(network.Bind(x.Shape));
        network.Predict(x, y, context);
        var probabilities = new float[y.Shape.Count];
        Evaluation.Softmax(y.Span, probabilities, label: 0);
        int[] best = [.. Enumerable.Range(0, probabilities.Length).OrderByDescending(k => probabilities[k]).Take(Shown)];
        if (!json)
        {
            string answers = string.Join("   ", best.Select(k => $"{description.ClassNames[k]} {probabilities[k] * 100,6:0.00} %"));
            Console.WriteLine($"{file}:   {answers}{(picture.Inverted && invert is null ? "   (inverted: dark on bright; --invert no leaves it)" : "")}");
            return;
        }

        JsonLines.Write(Console.Out, line =>
        {
            line.WriteString("event", "prediction");
            line.WriteString("file", file);
            line.WriteBoolean("inverted", picture.Inverted);
            line.WriteStartArray("predictions");
            foreach (int k in best)
            {
                line.WriteStartObject();
                line.WriteString("class", description.ClassNames[k]);
                line.WriteNumber("probability", probabilities[k]);
                line.WriteEndObject();
            }

            line.WriteEndArray();
        });
    }
}
