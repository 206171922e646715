using System.Net;
using System.Text;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Reports;

/// <summary>One file that shows several runs side by side and needs no other.</summary>
internal sealed class ComparisonReport(RunComparison comparison)
{
    // Told apart at a glance; further runs get the golden angle, which never comes back to a hue.
    private static readonly double[] s_hues = [260, 55, 150, 340, 200, 100, 300, 25];

    private readonly StringBuilder _html = new();
    private readonly IReadOnlyList<RecordedRun> _runs = comparison.Runs;

    public string Write()
    {
        HtmlPage.Begin(_html, _runs.Count == 1 ? _runs[0].Name : $"{_runs.Count} runs compared", "HybridCnn training runs");
        Legend();
        _html.AppendLine("</header>");
        Results();
        Curves();
        Table("settings", "Settings", comparison.Settings);
        Table("machine", "Machine", comparison.Machine);
        HtmlPage.End(_html, MachineInfo.ProgramVersion, DateTimeOffset.UtcNow);
        return _html.ToString();
    }

    private void Legend() =>
        _html.AppendLine($"<p class=\"runs\">{string.Join(' ', _runs.Select((run, i) => $"<span class=\"key run\" style=\"--hue:{Hue(i):0}\">{Text(run.Name)}</span>"))}</p>");

    private void Results()
    {
        _html.AppendLine("<section id=\"results\"><h2>Results</h2><p class=\"note\">Test figures are taken after each epoch; the best of each column is in bold. Speed and time are those of the training steps alone.</p><div class=\"scroll\"><table class=\"epochs compared\">");
        _html.AppendLine("<tr><th>run</th><th>status</th><th>epochs</th><th>best accuracy</th><th>at epoch</th><th>last accuracy</th><th>last test loss</th><th>images/s</th><th>seconds</th><th>data wait</th><th>peak MB</th></tr>");
        double? best = _runs.Max(run => run.Best?.TestAccuracy), last = _runs.Max(run => run.Last?.TestAccuracy), loss = _runs.Min(run => run.Last?.TestLoss);
        double fastest = _runs.Max(run => run.ImagesPerSecond);
        for (int i = 0; i < _runs.Count; i++)
        {
            RecordedRun run = _runs[i];
            _html.Append($"<tr><td><span class=\"key run\" style=\"--hue:{Hue(i):0}\">{Text(run.Name)}</span></td><td>{Text(run.StatusInWords)}</td><td>{run.Epochs.Count}</td>");
            Cell(run.Best is null ? null : $"{run.Best.TestAccuracy * 100:0.00} %", run.Best?.TestAccuracy == best);
            Cell(run.Best is null ? null : $"{run.Best.Epoch}", marked: false);
            Cell(run.Last is null ? null : $"{run.Last.TestAccuracy * 100:0.00} %", run.Last?.TestAccuracy == last);
            Cell(run.Last is null ? null : RunText.Loss(run.Last.TestLoss), run.Last?.TestLoss == loss);
            Cell(run.ImagesPerSecond > 0 ? $"{run.ImagesPerSecond:#,0}" : null, run.ImagesPerSecond == fastest);
            Cell($"{run.TrainSeconds:#,0.0}", marked: false);
            Cell(run.Last is null ? null : $"{run.DataWait * 100:0.0} %", marked: false);
            Cell(run.PeakResidentBytes is { } bytes ? $"{bytes / 1e6:#,0}" : null, marked: false);
            _html.AppendLine("</tr>");
        }

        _html.AppendLine("</table></div></section>");

        void Cell(string? text, bool marked) => _html.Append(text is null ? "<td>–</td>" : marked && _runs.Count > 1 ? $"<td><b>{text}</b></td>" : $"<td>{text}</td>");
    }

    private void Curves()
    {
        EpochMetrics[] all = [.. _runs.SelectMany(run => run.Epochs)];
        if (all.Length == 0)
        {
            _html.AppendLine($"<section id=\"curves\"><h2>Curves</h2><p class=\"note\">There are none: no epoch of {(_runs.Count == 1 ? "this run" : "these runs")} has ended.</p></section>");
            return;
        }

        double lastEpoch = all.Max(e => e.Epoch), seconds = Math.Max(1e-3, _runs.Max(run => run.Epochs.Sum(e => e.Seconds)));
        (string unit, double length) = seconds < 180 ? ("seconds", 1) : seconds < 3 * 3600 ? ("minutes", 60) : ("hours", 3600.0);
        ChartAxis loss = ChartAxis.Loss(all.SelectMany(e => new[] { e.TrainLoss, e.TestLoss })), accuracy = ChartAxis.Accuracy(all.SelectMany(e => new[] { e.TrainAccuracy, e.TestAccuracy }));
        _html.AppendLine("<section id=\"curves\"><h2>Curves</h2><p class=\"note\">Whole lines are test figures after each epoch, dashed lines the means of training while the weights change. The loss axis is logarithmic. Time is that of the training steps alone.</p><div class=\"pair\">");
        Chart("Loss over epochs", "epoch", lastEpoch, loss, run => Over(run, e => e.TestLoss, time: null), run => Over(run, e => e.TrainLoss, time: null));
        Chart("Accuracy over epochs", "epoch", lastEpoch, accuracy, run => Over(run, e => e.TestAccuracy, time: null), run => Over(run, e => e.TrainAccuracy, time: null));
        Chart("Loss over time", unit, seconds / length, loss, run => Over(run, e => e.TestLoss, length), run => Over(run, e => e.TrainLoss, length));
        Chart("Accuracy over time", unit, seconds / length, accuracy, run => Over(run, e => e.TestAccuracy, length), run => Over(run, e => e.TrainAccuracy, length));
        Chart("Learning rate at the end of each epoch", "epoch", lastEpoch, ChartAxis.FromZero(all.Select(e => (double)e.LearningRate), "0.######"), run => Over(run, e => e.LearningRate, time: null));
        Chart("Images per second", "epoch", lastEpoch, ChartAxis.FromZero(all.Select(e => e.ImagesPerSecond)), run => Over(run, e => e.ImagesPerSecond, time: null));
        _html.AppendLine("</div></section>");
    }

    private void Chart(
        string name, string unit, double last, ChartAxis axis, Func<RecordedRun, IReadOnlyList<(double, double)>> whole, Func<RecordedRun, IReadOnlyList<(double, double)>>? dashed = null)
    {
        var lines = new List<ChartLine>();
        for (int i = 0; i < _runs.Count; i++)
        {
            if (dashed is not null)
                lines.Add(new ChartLine($"{_runs[i].Name}, training", "run dashed", Dots: _runs[i].Epochs.Count == 1, dashed(_runs[i]), Hue(i)));
            lines.Add(new ChartLine(_runs[i].Name, "run", Dots: true, whole(_runs[i]), Hue(i)));
        }

        _html.AppendLine($"<figure><figcaption>{name}</figcaption>{new LineChart(name, last, axis, unit).Draw([.. lines])}</figure>");
    }

    /// <param name="run">Whose epochs.</param>
    /// <param name="figure">Of an epoch.</param>
    /// <param name="time">Seconds of the unit; null for epochs.</param>
    private static (double, double)[] Over(RecordedRun run, Func<EpochMetrics, double> figure, double? time)
    {
        double seconds = 0;
        var points = new List<(double, double)>();
        foreach (EpochMetrics epoch in run.Epochs)
        {
            seconds += epoch.Seconds;
            points.Add((time is { } unit ? seconds / unit : epoch.Epoch, figure(epoch)));
        }

        return [.. points];
    }

    private void Table(string id, string title, IReadOnlyList<ComparedSetting> rows)
    {
        int differing = rows.Count(row => row.Differs);
        string note = _runs.Count == 1 ? "" : differing == 0 ? "<p class=\"note\">The same for all runs.</p>" : $"<p class=\"note\">{differing} differ and come first, marked.</p>";
        _html.AppendLine($"<section id=\"{id}\"><h2>{title}</h2>{note}<div class=\"scroll\"><table class=\"epochs compared\"><tr><th></th>");
        for (int i = 0; i < _runs.Count; i++)
            _html.AppendLine($"<th><span class=\"key run\" style=\"--hue:{Hue(i):0}\">{Text(_runs[i].Name)}</span></th>");
        _html.AppendLine("</tr>");
        foreach (ComparedSetting row in rows)
            _html.AppendLine($"<tr{(row.Differs ? " class=\"differs\"" : "")}><th>{Text(row.Name)}</th>{string.Concat(row.Values.Select(value => $"<td>{Text(value ?? "–")}</td>"))}</tr>");
        _html.AppendLine("</table></div></section>");
    }

    private static double Hue(int run) => run < s_hues.Length ? s_hues[run] : run * 137.508 % 360;

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
