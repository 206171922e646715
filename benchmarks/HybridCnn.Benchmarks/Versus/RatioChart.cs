using System.Globalization;
using System.Text.RegularExpressions;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>
/// How many times faster ours is than the fastest of the peers: a row for every layer, a dot for each pass, a bar to their
/// geometric mean. The axis is logarithmic, so that twice as fast and half as fast lie equally far from 1.
/// </summary>
internal static partial class RatioChart
{
    private const int Width = 880;
    private const int RowHeight = 20;
    private const int OtherHeight = 150;
    private const string Ink = "#24292F";
    private const string FontFamilies = "font-family=\"Arial, Liberation Sans, Helvetica, sans-serif\"";

    // Of the same metrics, so that either may stand in for the other: every letter's place is written into the file.
    private static readonly string Font = SKFontManager.Default.FontFamilies.Contains("Arial") ? "Arial" : "Liberation Sans";

    // The palette of Okabe and Ito, 2008, which color-blind readers can tell apart; the shapes tell the passes apart in print.
    private static readonly (string Pass, string Label, string Color, MarkerShape Shape)[] Passes =
    [
        ("fwd", "forward", "#0072B2", MarkerShape.FilledCircle),
        ("bwdd", "backward, data", "#E69F00", MarkerShape.FilledDiamond),
        ("bwdw", "backward, weights", "#009E73", MarkerShape.FilledSquare),
    ];

    /// <summary>The chart of one number of threads as SVG.</summary>
    public static string ToSvg(IReadOnlyList<Row> fastest, int threads, string cpu)
    {
        using Plot plot = Draw([.. fastest.Where(row => row.Threads == threads)], threads, cpu, out int layers);
        return FontFamily().Replace(plot.GetSvgXml(Width, OtherHeight + layers * RowHeight), FontFamilies);
    }

    private static Plot Draw(Row[] rows, int threads, string cpu, out int count)
    {
        var plot = new Plot();
        string[] layers = [.. rows.Select(Summary.Label).Distinct()];
        count = layers.Length;
        double low = Math.Min(-0.5, rows.Min(Place) - 0.2), high = Math.Max(1, rows.Max(Place)) + 0.7;
        AddSlowerSide(plot, low);
        for (int i = 0; i < layers.Length; i++)
            AddLayer(plot, -i, [.. rows.Where(row => Summary.Label(row) == layers[i])], high);
        foreach ((string pass, string label, string color, MarkerShape shape) in Passes)
            AddPass(plot, rows, layers, pass, label, color, shape);
        plot.Add.VerticalLine(0, 1.5f, Color.FromHex(Ink));
        SetAxes(plot, layers, low, high);
        plot.Title(string.Create(CultureInfo.InvariantCulture,
            $"{Mean(rows):0.0} times the speed of the fastest peer on {threads} thread(s): geometric mean of {rows.Length} passes\n{cpu}"), 14);
        plot.Axes.Bottom.Label.Text = "slower   \u2190   1x = as fast as the fastest peer   \u2192   faster";
        plot.Axes.Bottom.Label.FontSize = 12;
        plot.Axes.Bottom.Label.Bold = false;
        var legend = plot.ShowLegend(Edge.Bottom).Legend;
        (legend.OutlineWidth, legend.ShadowColor, legend.Orientation) = (0, Colors.Transparent, Orientation.Horizontal);
        plot.Font.Set(Font);
        return plot;
    }

    private static void AddLayer(Plot plot, int y, Row[] rows, double right)
    {
        double mean = Mean(rows);
        plot.Add.Bar(new Bar
        {
            Position = y, ValueBase = 0, Value = Math.Log2(mean), Size = 0.62, LineWidth = 0, Orientation = Orientation.Horizontal,
            FillColor = Color.FromHex(mean < 1 ? "#E5A3A3" : "#C9DCEC"),
        });
        var number = plot.Add.Text(string.Create(CultureInfo.InvariantCulture, $"{mean:0.0}x"), right, y);
        number.LabelAlignment = Alignment.MiddleRight;
        number.LabelFontSize = 11;
        number.LabelFontColor = Color.FromHex(Ink);
    }

    private static void AddPass(Plot plot, Row[] rows, string[] layers, string pass, string label, string color, MarkerShape shape)
    {
        Row[] ofPass = [.. rows.Where(row => row.Pass == pass)];
        if (ofPass.Length == 0)
            return;
        var dots = plot.Add.ScatterPoints(
            ofPass.Select(Place).ToArray(), ofPass.Select(row => -(double)Array.IndexOf(layers, Summary.Label(row))).ToArray(), Color.FromHex(color));
        dots.MarkerShape = shape;
        dots.MarkerSize = 8;
        dots.LegendText = label;
    }

    private static void AddSlowerSide(Plot plot, double low)
    {
        var slower = plot.Add.HorizontalSpan(low, 0);
        slower.FillColor = Color.FromHex("#FBEDED");
        slower.LineWidth = 0;
    }

    private static void SetAxes(Plot plot, string[] layers, double low, double high)
    {
        int[] powers = [.. Enumerable.Range((int)Math.Ceiling(low), (int)Math.Floor(high - 0.3) - (int)Math.Ceiling(low) + 1)];
        plot.Axes.SetLimits(low, high, -layers.Length + 0.4, 0.6);
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. powers.Select(power => (double)power)], [.. powers.Select(power => string.Create(CultureInfo.InvariantCulture, $"{Math.Pow(2, power):0.###}x"))]);
        plot.Axes.Left.TickGenerator = new NumericManual([.. layers.Select((_, i) => -(double)i)], layers);
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Grid.YAxisStyle.IsVisible = false;
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Axes.Left.FrameLineStyle.Width = 0;
    }

    private static double Place(Row row) => Math.Log2(row.Ratio!.Value);

    [GeneratedRegex("font-family=\"[^\"]*\"")]
    private static partial Regex FontFamily();

    private static double Mean(IEnumerable<Row> rows) => Math.Pow(2, rows.Average(Place));
}
