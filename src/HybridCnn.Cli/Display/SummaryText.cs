using System.Globalization;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Display;

/// <summary>A network's layers as a table, or as one line of JSON.</summary>
internal static class SummaryText
{
    public static void Write(string model, NetworkSummary summary)
    {
        var table = new TextTable("layer", "kind", "output", ">parameters", ">MFLOP", ">MB", "algorithm");
        foreach (LayerSummary layer in summary.Layers)
            table.Add(layer.Name, layer.Kind, Extents(layer.Output), Count(layer.Parameters), Millions(layer.Flops), Megabytes(layer.OutputBytes), Algorithms(layer.Plan));
        table.Add("total", "", "", Count(summary.Parameters), Millions(summary.Flops), "", "");
        Console.WriteLine($"{model}, x {Extents(summary.Input)}");
        Console.WriteLine();
        table.Write();
        Console.WriteLine();
        Console.WriteLine($"{summary.Flops / 1e9:0.000} GFLOP forward (a multiplication and an addition are two), about three times as much a training step.");
        Console.WriteLine($"Parameters {Megabytes(sizeof(float) * summary.Parameters)} MB, their gradients as much. Activations and gradients share buffers: "
            + $"{Megabytes(summary.TrainingBytes)} MB for training{Saved(summary)}, {Megabytes(summary.PredictionBytes)} MB for prediction.");
        Console.WriteLine("MB is what the output takes by itself. The algorithm is that of forward/gradient of the input/gradient of the weights where they differ; ~ is NHWC order.");
    }

    public static void WriteJson(string model, NetworkSummary summary) => JsonLines.Write(Console.Out, json =>
    {
        json.WriteString("event", "summary");
        json.WriteString("model", model);
        json.WriteString("input", Extents(summary.Input));
        json.WriteNumber("parameters", summary.Parameters);
        json.WriteNumber("forward_flops", summary.Flops);
        json.WriteNumber("training_bytes", summary.TrainingBytes);
        json.WriteNumber("prediction_bytes", summary.PredictionBytes);
        json.WriteNumber("keeping_bytes", summary.KeepingBytes);
        json.WriteStartArray("layers");
        foreach (LayerSummary layer in summary.Layers)
        {
            json.WriteStartObject();
            json.WriteString("name", layer.Name);
            json.WriteString("kind", layer.Kind);
            json.WriteStartArray("output");
            for (int axis = 0; axis < layer.Output.Rank; axis++)
                json.WriteNumberValue(layer.Output[axis]);
            json.WriteEndArray();
            json.WriteString("layout", layer.Output.Layout.ToString());
            json.WriteNumber("parameters", layer.Parameters);
            json.WriteNumber("forward_flops", layer.Flops);
            json.WriteNumber("output_bytes", layer.OutputBytes);
            if (layer.Plan is { } plan)
            {
                json.WriteString("forward", plan.Algorithm(ConvolutionPass.Forward).ToString());
                json.WriteString("backward_data", plan.Algorithm(ConvolutionPass.BackwardData).ToString());
                json.WriteString("backward_weights", plan.Algorithm(ConvolutionPass.BackwardWeights).ToString());
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>"8x64x56x56~".</summary>
    public static string Extents(Shape shape) =>
        string.Join('x', Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])) + (shape.Layout == Layout.Nhwc ? "~" : "");

    private static string Saved(NetworkSummary summary) => summary.KeepingBytes == summary.TrainingBytes
        ? ""
        : $" ({Megabytes(summary.KeepingBytes)} MB if nothing were computed again)";

    private static string Algorithms(ConvolutionPlan? plan)
    {
        if (plan is null)
            return "";
        string[] names = [.. Enum.GetValues<ConvolutionPass>().Select(pass => Short(plan.Algorithm(pass)))];
        return names.Distinct().Count() == 1 ? names[0] : string.Join('/', names);
    }

    private static string Short(ConvolutionAlgorithm algorithm) => algorithm switch
    {
        ConvolutionAlgorithm.WinogradF4 => "F4",
        ConvolutionAlgorithm.WinogradF2 => "F2",
        ConvolutionAlgorithm.Pointwise => "1x1",
        ConvolutionAlgorithm.FewChannels => "few",
        _ => algorithm.ToString().ToLowerInvariant(),
    };

    private static string Count(long number) => number == 0 ? "" : number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Millions(long flops) => flops == 0 ? "" : (flops / 1e6).ToString("#,0.0", CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => bytes == 0 ? "" : (bytes / 1e6).ToString("#,0.0", CultureInfo.InvariantCulture);
}
