using System.Net;
using System.Text;

namespace HybridCnn.Cli.Reports;

/// <summary>Head and end of a page that needs no other file: the style sheet is in it.</summary>
internal static class HtmlPage
{
    /// <summary>Everything up to the heading; the caller closes the header.</summary>
    public static void Begin(StringBuilder html, string title, string kind) => html.AppendLine($"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{WebUtility.HtmlEncode(title)} · HybridCnn</title>
        <style>
        {StyleSheet()}</style>
        </head>
        <body>
        <main>
        <header>
        <p class="eyebrow">{kind}</p>
        <h1>{WebUtility.HtmlEncode(title)}</h1>
        """);

    public static void End(StringBuilder html, string version, DateTimeOffset written) => html.Append(
        $"<footer>Written by HybridCnn {WebUtility.HtmlEncode(version)} on {written:yyyy-MM-dd HH:mm}. This file needs no other.</footer>\n</main>\n</body>\n</html>\n");

    private static string StyleSheet()
    {
        using Stream css = typeof(HtmlPage).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(css);
        return reader.ReadToEnd();
    }
}
