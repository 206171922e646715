using System.Globalization;
using System.Text;
using System.Text.Json;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Benchmarks.Versus;

namespace HybridCnn.Benchmarks.Learning;

/// <summary>All trainings of a run, seed by seed, and what their medians come to.</summary>
internal sealed record TrainingReport(Header Header, IReadOnlyList<TrainingRow> Rows)
{
    private const string Note =
        "Test accuracy after the last epoch, in percent, and differences, ours less the peer's, in points. Both sides start from the same weights and see the same varied batches; "
        + "after some hundred steps rounding has made two trainings of them. \"Same answers\" are the test images that both put into one class.";

    /// <summary>A line for each network: medians over the seeds, their difference, the mean of the differences and its standard error.</summary>
    public IReadOnlyList<TrainingSummary> Summary { get; } = [.. Rows.GroupBy(row => (row.Network, row.Data)).Select(TrainingSummary.Of)];

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (string line in Header.Lines())
            text.Append("- ").Append(line).Append('\n');
        text.Append('\n').Append(Note).Append("\n\n");
        Report.AppendTable(text, ["network", "data", "seeds", "ours, median", "peer, median", "difference", "mean difference", "standard error"], Summary.Select(line => (string[])
            [
                line.Network, line.Data, $"{line.Seeds}", Points(line.OurMedian), Points(line.PeerMedian), Signed(line.OurMedian - line.PeerMedian), Signed(line.MeanDifference), line.Seeds > 1 ? Points(line.StandardError) : "-",
            ]));
        text.Append('\n');
        Report.AppendTable(text, ["network", "data", "seed", "epochs", "tested on", "ours", "peer", "difference", "same answers", "last loss", "peer's", "first losses", "ours s", "peer s"], Rows.Select(row => (string[])
            [
                row.Network, row.Data, $"{row.Seed}", $"{row.Epochs.Count}", $"{row.TestImages}", Points(row.OurAccuracy), Points(row.PeerAccuracy), Signed(row.OurAccuracy - row.PeerAccuracy),
                Points(row.SameAnswers), Number(row.Epochs[^1].OurLoss, "0.0000"), Number(row.Epochs[^1].PeerLoss, "0.0000"), Number(row.FirstLosses, "0.0E+0"),
                Number(row.OurSeconds, "0"), Number(row.PeerSeconds, "0"),
            ]));
        return text.ToString();
    }

    public string ToJson() => JsonSerializer.Serialize(this, Report.JsonForm) + "\n";

    /// <summary>Writes what was asked for.</summary>
    public void Save(FileInfo? json, FileInfo? markdown)
    {
        Report.Write(json, ToJson);
        Report.Write(markdown, ToMarkdown);
    }

    private static string Points(double share) => Number(100 * share, "0.00");

    private static string Signed(double share) => Number(100 * share, "+0.00;-0.00;0.00");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}

/// <summary>The trainings of one network on one data set.</summary>
internal sealed record TrainingSummary(string Network, string Data, int Seeds, double OurMedian, double PeerMedian, double MeanDifference, double StandardError)
{
    public static TrainingSummary Of(IEnumerable<TrainingRow> rows)
    {
        TrainingRow[] all = [.. rows];
        double[] differences = [.. all.Select(row => row.OurAccuracy - row.PeerAccuracy)];
        double mean = differences.Average(), squares = differences.Sum(difference => (difference - mean) * (difference - mean));
        return new(
            all[0].Network, all[0].Data, all.Length, Median(all.Select(row => row.OurAccuracy)), Median(all.Select(row => row.PeerAccuracy)), mean,
            all.Length < 2 ? double.NaN : Math.Sqrt(squares / (all.Length - 1) / all.Length));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
