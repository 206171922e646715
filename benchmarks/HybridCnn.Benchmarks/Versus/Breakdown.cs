using System.Diagnostics;
using System.Globalization;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Training;
using Spectre.Console;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Where our own training step spends its time. A diagnosis: measured alone, not in turns with a peer.</summary>
internal static class Breakdown
{
    private const double Milliseconds = 1500;
    private const int LeastSteps = 5;

    public static void Print(string network, int batch, int threads, IAnsiConsole console, CancellationToken cancel)
    {
        using var context = new ComputeContext(threads);
        var training = new OurTraining(network, batch, context);
        Turns.RunUntilSteady(() => training.Step(), TurnPlan.UsualSteadyBlocks, cancel);
        double once = training.Profile(1, cancel).Step;
        Print(network, batch, threads, training.Profile(Math.Max(LeastSteps, (int)(Milliseconds / once)), cancel), console);
    }

    public static void PrintPrediction(string name, int batch, int threads, IAnsiConsole console, CancellationToken cancel)
    {
        using var context = new ComputeContext(threads);
        (Network network, Shape image, _) = OurNetwork.Create(name);
        Tensor x = ConvData.Filled(new SeededRandom(1), new Shape(batch, image[0], image[1], image[2])), y = new(network.Bind(x.Shape));
        Turns.RunUntilSteady(() => network.Predict(x, y, context), TurnPlan.UsualSteadyBlocks, cancel);
        network.Timer = new NetworkTimer();
        var clock = Stopwatch.StartNew();
        int runs = 0;
        for (; runs < LeastSteps || clock.ElapsedMilliseconds < Milliseconds; runs++)
        {
            cancel.ThrowIfCancellationRequested();
            network.Predict(x, y, context);
        }

        double all = network.Timer.Layers.Sum(layer => layer.Forward);
        var table = new Table { Border = TableBorder.Simple, Title = new TableTitle($"{name}, batch {batch}, {threads} thread(s): our prediction, medians of {runs} in ms") };
        foreach (string column in (string[])["layer", "kind", "output", "time", "share"])
            table.AddColumn(column);
        foreach (LayerTimes layer in network.Timer.Layers)
            table.AddRow(Markup.Escape(layer.Name), layer.Kind, Markup.Escape(layer.Output.ToString()), Number(layer.Forward), (layer.Forward / all).ToString("P1", CultureInfo.InvariantCulture));
        table.AddRow("all", "", "", Number(all), "");
        console.Write(table);
    }

    private static void Print(string network, int batch, int threads, StepProfile profile, IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple, Title = new TableTitle($"{network}, batch {batch}, {threads} thread(s): our step, medians of {profile.Steps} steps in ms") };
        table.AddColumn("layer");
        table.AddColumn("kind");
        table.AddColumn("output");
        foreach (string column in (string[])["forward", "backward data", "backward weights", "of step"])
            table.AddColumn(new TableColumn(column) { Alignment = Justify.Right });

        foreach (LayerTimes layer in profile.Layers)
        {
            table.AddRow(
                Markup.Escape(layer.Name), layer.Kind, Markup.Escape(layer.Output.ToString()), Number(layer.Forward), Number(layer.BackwardData),
                Number(layer.BackwardWeights), Share(layer.Total, profile));
        }

        foreach (IGrouping<string, LayerTimes> kind in profile.Layers.GroupBy(layer => layer.Kind).OrderByDescending(same => same.Sum(layer => layer.Total)))
        {
            table.AddRow(
                "all", kind.Key, "", Number(kind.Sum(l => l.Forward)), Number(kind.Sum(l => l.BackwardData)), Number(kind.Sum(l => l.BackwardWeights)),
                Share(kind.Sum(l => l.Total), profile));
        }

        table.AddRow("loss", "", "", "", "", "", Share(profile.Loss, profile));
        table.AddRow("clearing gradients, update", "", "", "", "", "", Share(profile.Optimizer, profile));
        table.AddRow("step", "", "", "", "", "", Number(profile.Step));
        console.Write(table);
    }

    private static string Number(double milliseconds) => milliseconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Share(double milliseconds, StepProfile profile) => (milliseconds / profile.Step).ToString("P1", CultureInfo.InvariantCulture);
}
