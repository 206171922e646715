using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Runs;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn time</c>.</summary>
internal static class TimeCommand
{
    // Small, as one batch is learned again and again.
    private const float LearningRate = 1e-3f, Momentum = 0.9f;

    public static Command Create()
    {
        var model = new ModelOptions();
        Option<int> batch = CommonOptions.WholeNumber("--batch", "Images per step, where --input doesn't say.", 8, 1, 65_536);
        Option<int> steps = CommonOptions.WholeNumber("--steps", "Training steps to measure, after five that aren't.", 20, 1, 100_000);
        Option<int> threads = CommonOptions.Threads();
        Option<string> blasCore = CommonOptions.BlasCore();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("time", "Trains a network on random images and shows where a step spends its time: every layer and pass, the longest first.");
        model.AddTo(command);
        foreach (Option option in (Option[])[batch, steps, threads, blasCore, json])
            command.Add(option);
        command.SetAction(parsed =>
        {
            using ComputeContext context = Machine.Prepare(parsed.GetValue(threads), parsed.GetValue(blasCore));
            (string name, Network network, Shape input, int classes) = model.Read(parsed, parsed.GetValue(batch));
            using var interruption = new Interruption();
            StepProfile profile;
            try
            {
                profile = Measure(network, input, classes, parsed.GetValue(steps), context, interruption.Token);
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Interrupted;
            }

            int count = context.Threads.Count;
            if (parsed.GetValue(json))
                TimeText.WriteJson(name, input[0], count, profile);
            else
                TimeText.Write($"{name}, x {SummaryText.Extents(input)}, {count} {(count == 1 ? "thread" : "threads")}", input[0], profile);
            return ExitCode.Ok;
        });
        return command;
    }

    private static StepProfile Measure(Network network, Shape input, int classes, int steps, ComputeContext context, CancellationToken cancellation)
    {
        var random = new SeededRandom(1);
        var images = new Tensor(input);
        foreach (ref float value in images.Span)
            value = random.NextNormal();
        int[] labels = [.. Enumerable.Range(0, input[0]).Select(_ => random.NextInt(classes))];
        return StepProfile.Measure(
            network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, LearningRate, Momentum), context, images, labels, steps, cancellation: cancellation);
    }
}
