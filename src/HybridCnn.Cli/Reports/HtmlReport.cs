using System.Net;
using System.Text;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Pictures;
using HybridCnn.Cli.Runs;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Reports;

/// <summary>One file that shows a training run and needs no other: no script, no font, no picture from elsewhere.</summary>
/// <param name="run">Settings, machine and result.</param>
/// <param name="epochs">One row per epoch.</param>
/// <param name="curve">The training batches in between.</param>
/// <param name="evaluation">The test images with the saved weights; null when the weights are no use.</param>
/// <param name="filters">Weights of the first convolution, [OC, IC, KH, KW]; null when there is none.</param>
/// <param name="times">How long the layers took in a training step; without layers when the run was too short.</param>
internal sealed class HtmlReport(
    RunRecord run, IReadOnlyList<EpochMetrics> epochs, IReadOnlyList<CurvePoint> curve, Evaluation? evaluation, Tensor? filters, StepTimes times)
{
    private const int MostLayers = 30;

    private static readonly (string Name, string Style)[] s_passes = [("forward", "forward"), ("gradient of the input", "data"), ("gradients of the weights", "weights")];

    private const int MostMistakes = 24;
    private const int MostFilters = 64;

    private readonly StringBuilder _html = new();

    public string Write()
    {
        string title = $"{Title(run.Network.Model)} on {run.Data.Name}";
        HtmlPage.Begin(_html, title, "HybridCnn training run");
        _html.Append($"""
            <p class="soft">{run.Started:d MMMM yyyy, HH:mm} · {run.Data.TrainImages:#,0} training and {run.Data.TestImages:#,0} test images, {run.Data.Channels}×{run.Data.Height}×{run.Data.Width} · {Text(run.Result!.Status)}</p>
            """);
        Alert();
        Tiles();
        _html.AppendLine("</header>");
        Curves();
        Confusion();
        Mistakes();
        Filters();
        Steps();
        Layers();
        Throughput();
        Facts();
        HtmlPage.End(_html, run.Machine.HybridCnn, run.Started.AddSeconds(run.Result.TotalSeconds));
        return _html.ToString();
    }

    private void Alert()
    {
        long images = run.Result!.ImagesTrained;
        string? text = run.Result.Status switch
        {
            "interrupted" => $"Interrupted after {images:#,0} images, {(double)images / run.Data.TrainImages:0.0} of {run.Settings.Epochs} epochs. All below is with the weights of that moment.",
            "stopped" => $"Stopped after epoch {epochs[^1].Epoch} of {run.Settings.Epochs}: {run.Settings.EarlyStop} epochs in a row had neither a higher test accuracy nor a lower test loss. The best is epoch {run.Result.BestEpoch}; below are the last weights.",
            "diverged" => $"Diverged after {images:#,0} images: the loss is no longer a number. A lower learning rate helps; this run used {run.Settings.Recipe.LearningRate}.",
            _ => null,
        };
        if (text is not null)
            _html.AppendLine($"<p class=\"alert\">{Text(text)}</p>");
    }

    private void Tiles()
    {
        RunResult result = run.Result!;
        _html.AppendLine("<div class=\"tiles\">");
        Tile(result.TestAccuracy is { } accuracy ? $"{accuracy * 100:0.00} %" : "–", "test accuracy", " main");
        Tile(result.TestLoss is { } loss ? RunText.Loss(loss) : "–", "test loss");
        Tile($"{result.ImagesPerSecond:#,0}", "images per second");
        Tile($"{result.TrainSeconds:0.0} s", "training time");
        Tile($"{run.Network.Parameters:#,0}", "parameters");
        _html.AppendLine("</div>");
    }

    private void Tile(string figure, string what, string style = "") =>
        _html.AppendLine($"<div class=\"tile{style}\"><b>{Text(figure)}</b><span>{Text(what)}</span></div>");

    private void Curves()
    {
        if (epochs.Count == 0)
            return;
        double last = Math.Max(curve.Count == 0 ? 0 : curve[^1].Epoch, EpochEnd(epochs[^1]));
        ChartAxis loss = ChartAxis.Loss(curve.Select(p => p.Loss).Concat(epochs.Select(e => e.TestLoss)));
        ChartAxis accuracy = ChartAxis.Accuracy(curve.Select(p => p.Accuracy).Concat(epochs.Select(e => e.TestAccuracy)));
        _html.AppendLine("<section id=\"curves\"><h2>Curves</h2><p class=\"note\">Training figures are means over the batches while the weights change; test figures are taken after each epoch. The loss axis is logarithmic.</p><div class=\"pair\">");
        Chart("Loss", last, loss, curve.Select(p => (p.Epoch, p.Loss)), epochs.Select(e => (EpochEnd(e), e.TestLoss)));
        Chart("Accuracy", last, accuracy, curve.Select(p => (p.Epoch, p.Accuracy)), epochs.Select(e => (EpochEnd(e), e.TestAccuracy)));
        _html.AppendLine("</div></section>");
    }

    private void Chart(string name, double last, ChartAxis axis, IEnumerable<(double, double)> train, IEnumerable<(double, double)> test)
    {
        string drawing = new LineChart($"{name} over epochs", last, axis).Draw(
            new ChartLine("train", "train", Dots: false, [.. train.Where(Finite)]), new ChartLine("test", "test", Dots: true, [.. test.Where(Finite)]));
        _html.AppendLine($"<figure><figcaption>{name} <span class=\"key train\">train</span><span class=\"key test\">test</span></figcaption>{drawing}</figure>");

        static bool Finite((double X, double Y) point) => double.IsFinite(point.Y);
    }

    private double EpochEnd(EpochMetrics epoch) => epoch.Epoch - 1 + Math.Min(1, (double)epoch.Images / (run.Data.TrainImages / run.Settings.Batch * run.Settings.Batch));

    private void Confusion()
    {
        if (evaluation is null)
            return;
        _html.AppendLine("<section id=\"confusion\"><h2>Confusion matrix</h2><p class=\"note\">Each row holds the test images of one class, each column what the network took them for. Blue is right, red is wrong. The last column is the share of a class that was found (recall), the last row the share of an answer that was right (precision).</p>");
        _html.Append(ConfusionTable.Draw(evaluation));
        _html.AppendLine("</section>");
    }

    private void Mistakes()
    {
        if (evaluation is null)
            return;
        int[] mistakes = [.. evaluation.WorstMistakes()];
        _html.AppendLine("<section id=\"mistakes\"><h2>Worst mistakes</h2>");
        if (mistakes.Length == 0)
        {
            _html.AppendLine($"<p class=\"note\">None: all {evaluation.Data.Count:#,0} test images were recognised.</p></section>");
            return;
        }

        string shown = mistakes.Length > MostMistakes ? $"The {MostMistakes} surest of {mistakes.Length:#,0} wrong answers" : $"All {mistakes.Length} wrong answers, the surest first";
        _html.AppendLine($"<p class=\"note\">{shown}: what the image is → what the network said, and the probability it gave that answer.</p><div class=\"pictures\">");
        foreach (int i in mistakes.Take(MostMistakes))
        {
            string label = Text(evaluation.Data.ClassNames[evaluation.Data.Label(i)]);
            string said = Text(evaluation.Data.ClassNames[evaluation.Predicted(i)]);
            string picture = PngPicture.FromImage(evaluation.Data.Image(i), evaluation.Data.Channels, evaluation.Data.Height, evaluation.Data.Width);
            _html.AppendLine($"<div><img alt=\"test image {i}, {label} taken for {said}\" title=\"test image {i}\" src=\"{picture}\"><p><span class=\"was\">{label}</span> → <span class=\"said\">{said}</span><br><span class=\"soft\">{evaluation.Confidence(i) * 100:0.0} %</span></p></div>");
        }

        _html.AppendLine("</div></section>");
    }

    private void Filters()
    {
        if (filters is null || evaluation is null)
            return;
        (int height, int width) = (filters.Shape[2], filters.Shape[3]);
        int planes = filters.Shape[0] * filters.Shape[1];
        float scale = 0;
        foreach (float weight in filters.Span)
            scale = Math.Max(scale, Math.Abs(weight));
        string shown = planes > MostFilters ? $"the first {MostFilters} of {planes}" : $"{planes}";
        _html.AppendLine($"<section id=\"filters\"><h2>Learned filters</h2><p class=\"note\">Weights of the first convolution, {shown} planes of {height}×{width}, on one scale: {-scale:0.00}<span class=\"ramp\"></span>{scale:0.00}</p><div class=\"filters\">");
        for (int i = 0; i < Math.Min(planes, MostFilters); i++)
        {
            string picture = PngPicture.FromWeights(filters.Span.Slice(i * height * width, height * width), height, width, scale);
            _html.AppendLine($"<img alt=\"filter {i / filters.Shape[1]}\" title=\"filter {i / filters.Shape[1]}, input channel {i % filters.Shape[1]}\" src=\"{picture}\">");
        }

        _html.AppendLine("</div></section>");
    }

    private void Steps()
    {
        if (epochs.Count == 0)
            return;
        double last = Math.Max(curve.Count == 0 ? 0 : curve[^1].Epoch, EpochEnd(epochs[^1]));
        _html.AppendLine("<section id=\"steps\"><h2>Learning rate, speed and memory</h2><p class=\"note\">Speed and data wait are those of the training steps alone; data wait is the share of their time in which training waited for images. Memory is the most that the process has held so far.</p><div class=\"pair\">");
        Single("Learning rate", ChartAxis.FromZero(curve.Select(p => p.LearningRate), "0.######"), [.. curve.Select(p => (p.Epoch, p.LearningRate))], dots: false);
        Single("Images per second", ChartAxis.FromZero(curve.Select(p => p.ImagesPerSecond)), [.. curve.Select(p => (p.Epoch, p.ImagesPerSecond))], dots: false);
        Single("Data wait", ChartAxis.FromZero(curve.Select(p => p.DataWait), percent: true), [.. curve.Select(p => (p.Epoch, p.DataWait))], dots: false);
        (double, double)[] memory = [.. epochs.Where(e => e.PeakResidentBytes is not null).Select(e => (EpochEnd(e), e.PeakResidentBytes!.Value / 1e6))];
        if (memory.Length > 0)
            Single("Peak resident memory, MB", ChartAxis.FromZero(memory.Select(p => p.Item2)), memory, dots: true);
        _html.AppendLine("</div></section>");

        void Single(string name, ChartAxis axis, (double, double)[] points, bool dots) =>
            _html.AppendLine($"<figure><figcaption>{name}</figcaption>{new LineChart($"{name} over epochs", last, axis).Draw(new ChartLine(name, "train", dots || points.Length == 1, points))}</figure>");
    }

    private void Layers()
    {
        IReadOnlyList<LayerTimes> layers = times.Layers;
        if (layers.Count == 0)
            return;
        double all = layers.Sum(layer => layer.Total);
        LayerTimes[] longest = [.. layers.OrderByDescending(layer => layer.Total).Take(MostLayers)];
        string which = longest.Length == layers.Count ? "all" : $"the {longest.Length} that take longest, {longest.Sum(layer => layer.Total) / all:P0} of the time of all {layers.Count}";
        string keys = string.Concat(s_passes.Select(pass => $"<span class=\"key {pass.Style}\">{pass.Name}</span>"));
        string drawing = new BarChart("Time of every layer in a training step", "ms", s_passes).Draw(
            [.. longest.Select(layer => new ChartBar($"{layer.Name} {layer.Kind}", [layer.Forward, layer.BackwardData, layer.BackwardWeights]))]);
        _html.AppendLine($"<section id=\"layers\"><h2>Layers</h2><p class=\"note\">Where a training step of {run.Settings.Batch} images spends its {all:0.0} ms in the network: medians over {times.Moment}; {which}.</p>"
            + $"<figure><figcaption>{keys}</figcaption>{drawing}</figure></section>");
    }

    private void Throughput()
    {
        if (epochs.Count == 0)
            return;
        double fastest = epochs.Max(e => e.ImagesPerSecond);
        _html.AppendLine("<section id=\"throughput\"><h2>Epochs and throughput</h2><p class=\"note\">Images per second of the training steps alone, without evaluation.</p><div class=\"scroll\"><table class=\"epochs\">");
        _html.AppendLine("<tr><th>epoch</th><th>train loss</th><th>train accuracy</th><th>test loss</th><th>test accuracy</th><th>seconds</th><th>images/s</th><th class=\"bar\"></th></tr>");
        foreach (EpochMetrics e in epochs)
        {
            _html.AppendLine($"<tr><td>{e.Epoch}</td><td>{RunText.Loss(e.TrainLoss)}</td><td>{e.TrainAccuracy * 100:0.00} %</td><td>{RunText.Loss(e.TestLoss)}</td><td>{e.TestAccuracy * 100:0.00} %</td>"
                + $"<td>{e.Seconds:0.0}</td><td>{e.ImagesPerSecond:#,0}</td><td class=\"bar\"><i style=\"--share:{e.ImagesPerSecond / fastest * 100:0}%\"></i></td></tr>");
        }

        _html.AppendLine("</table></div></section>");
    }

    private void Facts()
    {
        TrainSettings s = run.Settings;
        MachineInfo m = run.Machine;
        _html.AppendLine("<section id=\"settings\"><h2>Settings and machine</h2><div class=\"pair\"><table class=\"facts\">");
        Fact("Model", $"{s.Model}: {string.Join(" → ", run.Network.Layers)}");
        Fact("Data", s.Data + (s.DataDirectory is null ? "" : $" from {s.DataDirectory}") + (s.Limit == 0 ? "" : $", at most {s.Limit} images each"));
        Fact("Epochs × batch", $"{s.Epochs} × {s.Batch}");
        Fact("Loss", s.Recipe.LossInWords());
        Fact("Optimizer", s.Recipe.OptimizerInWords());
        Fact("Seed", $"{s.Seed}");
        if (s.Init is not null)
            Fact("Started from", s.Init);
        foreach (RunResume resume in run.Resumes)
            Fact("Resumed", $"{resume.At:d MMMM yyyy, HH:mm}, after step {resume.Step:#,0}");
        Fact("Precision", s.Precision + (s.Deterministic ? ", deterministic" : ""));
        if (s.Recompute)
            Fact("Memory", "activations inside blocks computed again in the backward pass");
        _html.AppendLine("</table><table class=\"facts\">");
        Fact("Processor", $"{m.Processor} ({m.Processors} available)");
        Fact("Threads", m.ThreadsReason);
        Fact("BLAS", string.Join(" ", new[] { m.Blas, m.BlasVersion }.Where(part => part is not null)));
        if (m.BlasCore is not null)
            Fact("BLAS core", m.BlasCore);
        if (m.Pins.Count > 0)
            Fact("Pins", string.Join(", ", m.Pins));
        Fact("System", $"{m.OperatingSystem}, .NET {m.DotNet}");
        Fact("HybridCnn", m.HybridCnn);
        _html.AppendLine($"</table></div><pre>{Text(run.CommandLine)}</pre></section>");
    }

    private void Fact(string name, string value) => _html.AppendLine($"<tr><th>{Text(name)}</th><td>{Text(value)}</td></tr>");

    private static string Title(string model) => model switch { "lenet" => "LeNet", "lenet5" => "LeNet-5", "vgg-cifar" => "VGG-CIFAR", _ => model };

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
