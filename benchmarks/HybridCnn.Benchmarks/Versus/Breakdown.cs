using System.Diagnostics;
using System.Globalization;
using HybridCnn.Compute;
using HybridCnn.Layers;
using Spectre.Console;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Where our own training step spends its time. A diagnosis: measured alone, not in turns with a peer.</summary>
internal static class Breakdown
{
    private const double Milliseconds = 1500;

    public static void Print(string network, int batch, int threads, IAnsiConsole console, CancellationToken cancel)
    {
        using var context = new ComputeContext(threads);
        var layers = new List<TimedLayer>();
        // A Flatten stays bare: within a network it is no work, only another name for its input.
        var training = new OurTraining(network, batch, context, layer => layer is Flatten ? layer : Timed(layer, layers));
        Turns.RunUntilSteady(() => training.Step(), TurnPlan.UsualSteadyBlocks, cancel);
        foreach (TimedLayer layer in layers)
        {
            layer.Forwards.Clear();
            layer.Backwards.Clear();
        }

        Timing step = Timing.Of(Run(training, Milliseconds, cancel));
        Print(network, batch, threads, layers, step, console);
    }

    private static TimedLayer Timed(Layer layer, List<TimedLayer> layers)
    {
        layers.Add(new TimedLayer(layer));
        return layers[^1];
    }

    private static List<double> Run(OurTraining training, double milliseconds, CancellationToken cancel)
    {
        var times = new List<double>(1 << 16);
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < milliseconds)
        {
            cancel.ThrowIfCancellationRequested();
            long before = Stopwatch.GetTimestamp();
            training.Step();
            times.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
        }

        return times;
    }

    private static void Print(string network, int batch, int threads, List<TimedLayer> layers, Timing step, IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple, Title = new TableTitle($"{network}, batch {batch}, {threads} thread(s): our step, medians in ms") };
        table.AddColumn("layer");
        table.AddColumn("output");
        foreach (string column in (string[])["forward", "backward", "of step"])
            table.AddColumn(new TableColumn(column) { Alignment = Justify.Right });

        double rest = step.Median;
        foreach (TimedLayer layer in layers)
        {
            double forward = Median(layer.Forwards);
            double backward = Median(layer.Backwards);
            rest -= forward + backward;
            table.AddRow(Markup.Escape(layer.Inner.GetType().Name), Markup.Escape(layer.Output.ToString()), Number(forward), Number(backward), Share(forward + backward, step));
        }

        table.AddRow("loss, clearing gradients, update", "", "", Number(rest), Share(rest, step));
        table.AddRow("step", "", "", Number(step.Median), "");
        console.Write(table);
    }

    // A pass that the layer before took in, or that nobody needed, was never called.
    private static double Median(List<double> times) => times.Count == 0 ? 0 : Timing.Of(times).Median;

    private static string Number(double milliseconds) => milliseconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Share(double milliseconds, Timing step) => (milliseconds / step.Median).ToString("P0", CultureInfo.InvariantCulture);
}
