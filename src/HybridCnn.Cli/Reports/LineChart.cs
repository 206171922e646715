using System.Net;
using System.Text;

namespace HybridCnn.Cli.Reports;

/// <summary>A line of a chart.</summary>
/// <param name="Name">For tooltips.</param>
/// <param name="Style">The style sheet's class for colour and stroke.</param>
/// <param name="Dots">Whether each point is marked and has a tooltip, unless there are too many.</param>
/// <param name="Points">x and y, in the order they are joined.</param>
/// <param name="Hue">Of the colour, in degrees, where the style leaves it open.</param>
internal sealed record ChartLine(string Name, string Style, bool Dots, IReadOnlyList<(double X, double Y)> Points, double? Hue = null);

/// <summary>
/// Draws lines over epochs, or whatever <paramref name="unit"/> says, as inline SVG. Colours and fonts come from the page's style sheet, so a chart follows the
/// reader's light or dark theme; that is why no plotting library is used here.
/// </summary>
internal sealed class LineChart(string title, double lastX, ChartAxis y, string unit = "epoch")
{
    // More of them would touch each other, and their rims hide the line.
    private const int MostDots = 100;

    private const double Width = 560, Height = 320, Left = 56, Right = 12, Top = 12, Bottom = 40;

    public string Draw(params ReadOnlySpan<ChartLine> lines)
    {
        var svg = new StringBuilder();
        svg.AppendLine($"<svg class=\"chart\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">");
        foreach (double tick in y.Ticks)
        {
            double at = Y(tick);
            svg.AppendLine($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{at:0.#}\" y2=\"{at:0.#}\"/>");
            svg.AppendLine($"<text class=\"tick\" x=\"{Left - 8}\" y=\"{at + 4:0.#}\" text-anchor=\"end\">{y.Label(tick)}</text>");
        }

        foreach (double tick in Ticks())
            svg.AppendLine($"<text class=\"tick\" x=\"{X(tick):0.#}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{tick:0.##}</text>");
        svg.AppendLine($"<line class=\"axis\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Height - Bottom}\" y2=\"{Height - Bottom}\"/>");
        svg.AppendLine($"<text class=\"tick\" x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 4}\" text-anchor=\"middle\">{unit}</text>");
        foreach (ChartLine line in lines)
            DrawLine(svg, line);
        svg.Append("</svg>");
        return svg.ToString();
    }

    private void DrawLine(StringBuilder svg, ChartLine line)
    {
        string points = string.Join(' ', line.Points.Select(p => $"{X(p.X):0.#},{Y(p.Y):0.#}"));
        string hue = line.Hue is { } degrees ? $" style=\"--hue:{degrees:0}\"" : "";
        svg.AppendLine($"<polyline class=\"line {line.Style}\"{hue} points=\"{points}\"/>");
        if (!line.Dots || line.Points.Count > MostDots)
            return;
        foreach ((double x, double value) in line.Points)
        {
            svg.AppendLine($"<circle class=\"dot {line.Style}\"{hue} cx=\"{X(x):0.#}\" cy=\"{Y(value):0.#}\" r=\"4\">"
                + $"<title>{WebUtility.HtmlEncode(line.Name)}, {unit} {x:0.##}: {y.Value(value)}</title></circle>");
        }
    }

    private double X(double value) => Left + value / lastX * (Width - Left - Right);

    private double Y(double value) => Height - Bottom - y.Position(value) * (Height - Top - Bottom);

    private IEnumerable<double> Ticks()
    {
        // Epochs are whole, but for a training that ended within its first.
        double step = unit != "epoch" ? ChartAxis.NiceStep(lastX, 8, whole: false) : lastX <= 1 ? lastX : ChartAxis.NiceStep(lastX, 8, whole: true);
        for (double tick = 0; tick <= lastX * 1.0001; tick += step)
            yield return tick;
    }
}
