using System.Net;
using System.Text;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Reports;

/// <summary>Draws a confusion matrix as a table: rows are what an image is, columns what the network said.</summary>
internal static class ConfusionTable
{
    public static string Draw(Evaluation evaluation)
    {
        IReadOnlyList<string> names = evaluation.Data.ClassNames;
        string header = names.Any(name => name.Length > 4) ? " class=\"long\"" : "";
        var html = new StringBuilder("<div class=\"scroll\"><table class=\"confusion\"><thead>\n");
        html.AppendLine($"<tr><th></th><th class=\"title\" colspan=\"{names.Count}\">predicted</th><th></th></tr>");
        html.Append("<tr><th class=\"title\">true</th>");
        foreach (string name in names)
            html.Append($"<th scope=\"col\"><span{header}>{WebUtility.HtmlEncode(name)}</span></th>");
        html.AppendLine("<th class=\"title\">found&nbsp;%</th></tr></thead><tbody>");
        for (int label = 0; label < names.Count; label++)
        {
            int count = evaluation.CountOf(label);
            html.Append($"<tr><th scope=\"row\">{WebUtility.HtmlEncode(names[label])}</th>");
            for (int said = 0; said < names.Count; said++)
                html.Append(Cell(evaluation.Confusion[label, said], count, label == said, names[label], names[said]));
            html.AppendLine($"<td class=\"edge\">{Percent(evaluation.Confusion[label, label], count)}</td></tr>");
        }

        html.Append("<tr><th class=\"title\">right&nbsp;%</th>");
        for (int said = 0; said < names.Count; said++)
            html.Append($"<td class=\"edge\">{Percent(evaluation.Confusion[said, said], evaluation.AnswersOf(said))}</td>");
        html.AppendLine("<td></td></tr></tbody></table></div>");
        return html.ToString();
    }

    private static string Cell(int count, int ofClass, bool hit, string label, string said)
    {
        string tip = WebUtility.HtmlEncode($"{count} of {ofClass} images of {label} taken for {said}");
        if (count == 0)
            return $"<td class=\"zero\" title=\"{tip}\">·</td>";
        double share = (double)count / ofClass;
        // Mistakes are rare, so their colour grows with the cube root: one in a thousand shows, one in ten is strong.
        double strength = hit ? 0.15 + 0.8 * share : Math.Min(0.95, 0.08 + 1.5 * Math.Cbrt(share) * 0.6);
        return $"<td class=\"{(hit ? "hit" : "miss")}{(strength > 0.6 ? " deep" : "")}\" style=\"--share:{strength * 100:0}%\" title=\"{tip}\">{count}</td>";
    }

    private static string Percent(int part, int whole) => whole == 0 ? "–" : $"{100.0 * part / whole:0.0}";
}
