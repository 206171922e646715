using System.Globalization;
using HybridCnn.Layers;
using HybridCnn.Training;

namespace HybridCnn.Cli.Display;

/// <summary>Where a training step spends its time, as a table with bars, the longest first, or as one line of JSON.</summary>
internal static class TimeText
{
    private const int BarLength = 10;

    public static void Write(string title, int images, StepProfile profile)
    {
        Console.WriteLine($"{title}: {Number(profile.Step)} ms a step, {images / profile.Step * 1e3:#,0.0} images/s; medians of {profile.Steps} steps");
        Console.WriteLine();
        var table = new TextTable("layer", "kind", ">forward", ">data", ">weights", ">ms", ">%", "");
        LayerTimes[] layers = [.. profile.Layers.OrderByDescending(layer => layer.Total)];
        double longest = Math.Max(layers[0].Total, profile.Optimizer);
        foreach (LayerTimes layer in layers)
            Add(layer.Name, layer.Kind, layer.Forward, layer.BackwardData, layer.BackwardWeights, layer.Total);
        Add("", "all layers", layers.Sum(l => l.Forward), layers.Sum(l => l.BackwardData), layers.Sum(l => l.BackwardWeights), layers.Sum(l => l.Total));
        Add("", "loss", 0, 0, 0, profile.Loss);
        Add("", "optimizer", 0, 0, 0, profile.Optimizer);
        table.Write();
        Console.WriteLine();
        Console.WriteLine("data: gradient of the input, or all gradients of a layer that has one pass; weights: of the weights.");

        void Add(string name, string kind, double forward, double data, double weights, double total) => table.Add(
            name, kind, Number(forward), Number(data), Number(weights), Number(total), (total / profile.Step * 100).ToString("0.0", CultureInfo.InvariantCulture),
            new string('█', (int)Math.Round(Math.Min(total / longest, 1) * BarLength)));
    }

    public static void WriteJson(string model, int images, int threads, StepProfile profile) => JsonLines.Write(Console.Out, json =>
    {
        json.WriteString("event", "time");
        json.WriteString("model", model);
        json.WriteNumber("batch", images);
        json.WriteNumber("threads", threads);
        json.WriteNumber("steps", profile.Steps);
        json.WriteNumber("step_ms", profile.Step);
        json.WriteNumber("loss_ms", profile.Loss);
        json.WriteNumber("optimizer_ms", profile.Optimizer);
        json.WriteStartArray("layers");
        foreach (LayerTimes layer in profile.Layers)
        {
            json.WriteStartObject();
            json.WriteString("name", layer.Name);
            json.WriteString("kind", layer.Kind);
            json.WriteNumber("forward_ms", layer.Forward);
            json.WriteNumber("backward_data_ms", layer.BackwardData);
            json.WriteNumber("backward_weights_ms", layer.BackwardWeights);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Number(double milliseconds) => milliseconds == 0 ? "" : milliseconds.ToString("0.000", CultureInfo.InvariantCulture);
}
