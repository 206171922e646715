using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Bars of how many times faster ours is than the better of the peers, a group of passes for every layer.</summary>
internal static class RatioChart
{
    private const int Width = 1400;
    private const int Height = 560;

    // The palette of Okabe and Ito, 2008, which color-blind readers can tell apart.
    private static readonly (string Pass, string Label, string Color)[] Passes =
        [("fwd", "forward", "#0072B2"), ("bwdd", "backward, data", "#E69F00"), ("bwdw", "backward, weights", "#009E73")];

    /// <summary>The chart of one number of threads as SVG.</summary>
    public static string ToSvg(IReadOnlyList<Row> best, int threads, string cpu)
    {
        using var plot = new Plot();
        Row[] rows = [.. best.Where(row => row.Threads == threads)];
        string[] layers = [.. rows.Select(Label).Distinct()];
        foreach (var (pass, i) in Passes.Select((pass, i) => (pass, i)))
        {
            Bar[] bars = [.. rows.Where(row => row.Pass == pass.Pass).Select(row => new Bar
            {
                Position = Array.IndexOf(layers, Label(row)) + (i - 1) * 0.27,
                Value = row.Ratio!.Value,
                FillColor = Color.FromHex(pass.Color),
                LineWidth = 0,
                Size = 0.25,
            })];
            if (bars.Length > 0)
                plot.Add.Bars(bars).LegendText = pass.Label;
        }

        plot.Add.HorizontalLine(1, 1, Colors.Black);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. layers.Select((_, i) => (double)i)], layers);
        plot.Axes.Bottom.TickLabelStyle.Rotation = -45;
        plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.MiddleRight;
        plot.Axes.Bottom.MinimumSize = 90;
        plot.Axes.Margins(bottom: 0);
        plot.Title(string.Create(CultureInfo.InvariantCulture, $"Times the speed of the better of the peers, {threads} thread(s), {cpu}"));
        plot.ShowLegend(Edge.Right);
        return plot.GetSvgXml(Width, Height);
    }

    private static string Label(Row row) => row.Name.Length > 0 ? row.Name : row.Problem;
}
