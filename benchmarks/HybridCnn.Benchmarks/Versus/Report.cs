using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using HybridCnn.Benchmarks.Machine;
using Spectre.Console;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Header and rows of one run, and the three forms that they are written in.</summary>
internal sealed record Report(Header Header, IReadOnlyList<Row> Rows)
{
    private const int LeastCharted = 6;
    private const string RateNote = "Rates in brackets: percent of the FMA peak, or of a copy of as many bytes, that the same run measured.";
    private const string SummaryNote = "Ratios against the peer above (geometric means; in brackets the least), by number of threads and kind of layer. Above 1 ours is faster.";

    internal static readonly JsonSerializerOptions JsonForm = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly string[] Columns =
    [
        "layer", "problem", "pass", "threads", "algorithm", "MB", "ours ms", "best", "rate", "peer", "peer ms", "best", "rate", "ratio", "of bests", "error", "peer's",
    ];

    /// <summary>Means by kind of layer and peer.</summary>
    public IReadOnlyList<SummaryLine> Summary { get; } = Versus.Summary.Of(Rows);

    public string ToJson() => JsonSerializer.Serialize(this, JsonForm) + "\n";

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (string line in Header.Lines())
            text.Append("- ").Append(line).Append('\n');
        if (Summary.Count > 0)
        {
            text.Append('\n').Append(SummaryNote).Append("\n\n");
            AppendTable(text, SummaryColumns(), SummaryCells());
            foreach (string line in SlowerThan())
                text.Append('\n').Append(line).Append('\n');
        }

        text.Append('\n').Append(RateNote).Append("\n\n");
        AppendTable(text, Columns, Rows.Select(Cells));
        return text.ToString();
    }

    public void Print(IAnsiConsole console)
    {
        console.Write(ConsoleTable(Columns, Rows.Select(Cells)));
        console.WriteLine(RateNote);
        if (Summary.Count == 0)
            return;
        console.Write(ConsoleTable(SummaryColumns(), SummaryCells()));
        console.WriteLine(SummaryNote);
        foreach (SummaryLine line in Summary.Where(line => line.Layers == Versus.Summary.Everything))
            console.WriteLine(line.ToString());
        foreach (string line in SlowerThan())
            console.WriteLine(line);
    }

    /// <summary>Writes what was asked for.</summary>
    public void Save(FileInfo? json, FileInfo? markdown)
    {
        Write(json, ToJson);
        Write(markdown, ToMarkdown);
    }

    /// <summary>Writes PATH.json, PATH.md and, for more than a handful of convolutions, a chart for each number of threads, PATH-THREADS.svg.</summary>
    public void SaveAll(string path)
    {
        Save(new FileInfo(path + ".json"), new FileInfo(path + ".md"));
        List<Row> best = [.. Versus.Summary.Fastest(Rows, Versus.Summary.FastestPeer, _ => true)];
        if (best.Count < LeastCharted || best.Any(row => row.Dims is null))
            return;
        foreach (int threads in best.Select(row => row.Threads).Distinct())
            Write(new FileInfo($"{path}-{threads}.svg"), () => RatioChart.ToSvg(best, threads, Header.Cpu));
    }

    internal static void Write(FileInfo? file, Func<string> content)
    {
        if (file is null)
            return;
        file.Directory?.Create();
        File.WriteAllText(file.FullName, content());
    }

    internal static void AppendTable(StringBuilder text, string[] columns, IEnumerable<string[]> rows)
    {
        text.Append("| ").AppendJoin(" | ", columns).Append(" |\n|").Insert(text.Length, " --- |", columns.Length).Append('\n');
        foreach (string[] row in rows)
            text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
    }

    private static Table ConsoleTable(string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            bool words = column is "layer" or "problem" or "pass" or "algorithm" or "peer" or "layers";
            table.AddColumn(new TableColumn(Markup.Escape(column)) { Alignment = words ? Justify.Left : Justify.Right });
        }

        foreach (string[] row in rows)
            table.AddRow(row.Select(Markup.Escape).ToArray());
        return table;
    }

    private string[] SummaryColumns() => ["threads", "layers", "rows", .. Summary.Select(line => line.Peer).Distinct()];

    private IEnumerable<string[]> SummaryCells()
    {
        string[] peers = [.. Summary.Select(line => line.Peer).Distinct()];
        return
            from line in Summary
            group line by (line.Threads, line.Layers) into lines
            select (string[])
            [
                Number(lines.Key.Threads, "0"), lines.Key.Layers, Number(lines.Max(line => line.Rows), "0"),
                .. peers.Select(peer => lines.FirstOrDefault(line => line.Peer == peer) is { } line ? $"{Times(line.Ratio)} ({Times(line.Least)})" : ""),
            ];
    }

    private IEnumerable<string> SlowerThan() =>
        from row in Rows
        where row.Ratio < 1 && !row.IsFloor && row.OursPeakMb is null
        group row by (row.Threads, row.Peer) into rows
        orderby rows.Key.Threads
        select $"Slower than {rows.Key.Peer} on {rows.Key.Threads} thread(s): {string.Join(", ", rows.OrderBy(row => row.Ratio).Select(row => $"{Versus.Summary.Label(row)} {row.Pass} {Times(row.Ratio)}"))}";

    private static string[] Cells(Row row) =>
    [
        row.Name, row.Problem, row.Pass, Number(row.Threads, "0"), row.Algorithm, Number(row.WorkspaceMb, "0.0"),
        Number(row.OursMs, "0.000"), Number(row.OursBestMs, "0.000"), Rate(row.OursRate, row.OursOfPeak, row),
        row.Peer, Number(row.PeerMs, "0.000"), Number(row.PeerBestMs, "0.000"), Rate(row.PeerRate, row.PeerOfPeak, row),
        Times(row.Ratio), Times(row.BestRatio), Number(row.Error, "0.0E+0"), Number(row.PeerError, "0.0E+0"),
    ];

    private static string Times(double? ratio) => ratio is null ? "" : Number(ratio, "0.00") + "x";

    private static string Rate(double? rate, double? ofPeak, Row row) => rate is null ? ""
        : ofPeak is null ? $"{Number(rate, "0")} {row.RateUnit}"
        : $"{Number(rate, "0")} {row.RateUnit} ({Number(100 * ofPeak, "0")} %)";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
