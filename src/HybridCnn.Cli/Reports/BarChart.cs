using System.Net;
using System.Text;

namespace HybridCnn.Cli.Reports;

/// <summary>One bar: a name and its parts, one behind the other.</summary>
internal sealed record ChartBar(string Name, IReadOnlyList<double> Parts);

/// <summary>Draws horizontal bars in parts as inline SVG, in the colours of the page's style sheet like <see cref="LineChart"/>.</summary>
/// <param name="title">For those who can't see it.</param>
/// <param name="unit">Of the values.</param>
/// <param name="parts">What the parts are, and the style sheet's class of each.</param>
internal sealed class BarChart(string title, string unit, IReadOnlyList<(string Name, string Style)> parts)
{
    private const double Width = 1060, Left = 300, Right = 24, Top = 6, Row = 21, Bar = 14, Bottom = 40;
    private const int LongestName = 44;

    public string Draw(IReadOnlyList<ChartBar> bars)
    {
        ChartAxis axis = ChartAxis.FromZero(bars.Select(bar => bar.Parts.Sum()), "0.000");
        double end = Top + bars.Count * Row, height = end + Bottom;
        var svg = new StringBuilder();
        svg.AppendLine($"<svg class=\"chart\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">");
        foreach (double tick in axis.Ticks)
        {
            svg.AppendLine($"<line class=\"grid\" x1=\"{X(axis, tick):0.#}\" x2=\"{X(axis, tick):0.#}\" y1=\"{Top}\" y2=\"{end}\"/>");
            svg.AppendLine($"<text class=\"tick\" x=\"{X(axis, tick):0.#}\" y=\"{end + 18}\" text-anchor=\"middle\">{axis.Label(tick)}</text>");
        }

        for (int i = 0; i < bars.Count; i++)
            DrawBar(svg, axis, bars[i], Top + i * Row);
        svg.AppendLine($"<text class=\"tick\" x=\"{(Left + Width - Right) / 2}\" y=\"{height - 4}\" text-anchor=\"middle\">{unit}</text>");
        svg.Append("</svg>");
        return svg.ToString();
    }

    private void DrawBar(StringBuilder svg, ChartAxis axis, ChartBar bar, double y)
    {
        string name = bar.Name.Length > LongestName ? bar.Name[..(LongestName - 1)] + "…" : bar.Name;
        svg.AppendLine($"<text class=\"tick\" x=\"{Left - 8}\" y=\"{y + Bar - 1:0.#}\" text-anchor=\"end\">{WebUtility.HtmlEncode(name)}</text>");
        double before = 0;
        for (int part = 0; part < bar.Parts.Count; part++)
        {
            double value = bar.Parts[part];
            if (value > 0)
            {
                svg.AppendLine($"<rect class=\"{parts[part].Style}\" x=\"{X(axis, before):0.##}\" y=\"{y + 1:0.#}\" width=\"{X(axis, value) - Left:0.##}\" height=\"{Bar}\">"
                    + $"<title>{WebUtility.HtmlEncode($"{bar.Name}, {parts[part].Name}: {axis.Value(value)} {unit}")}</title></rect>");
            }

            before += value;
        }
    }

    private static double X(ChartAxis axis, double value) => Left + axis.Position(value) * (Width - Left - Right);
}
