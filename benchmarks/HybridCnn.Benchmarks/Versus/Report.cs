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
    private static readonly JsonSerializerOptions JsonForm = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private const int LeastCharted = 6;

    private static readonly string[] Columns =
        ["layer", "problem", "pass", "threads", "algorithm", "MB", "ours ms", "best", "rate", "peer", "peer ms", "best", "rate", "ratio", "of bests", "error"];

    /// <summary>Of every problem, pass, number of threads and way of ours the row of the peer that was fastest there.</summary>
    [JsonIgnore]
    public IReadOnlyList<Row> AgainstBest =>
    [
        .. from row in Rows
           where row.Ratio is not null
           group row by (row.Name, row.Problem, row.Pass, row.Threads, row.Algorithm) into peers
           select peers.MinBy(row => row.PeerMs),
    ];

    public string ToJson() => JsonSerializer.Serialize(this, JsonForm) + "\n";

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (string line in Header.Lines())
            text.Append("- ").Append(line).Append('\n');
        text.Append("\n| ").AppendJoin(" | ", Columns).Append(" |\n|").Insert(text.Length, " --- |", Columns.Length).Append('\n');
        foreach (Row row in Rows)
            text.Append("| ").AppendJoin(" | ", Cells(row)).Append(" |\n");
        foreach (string line in Summary())
            text.Append('\n').Append(line).Append('\n');
        return text.ToString();
    }

    public void Print(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (string column in Columns)
        {
            bool words = column is "layer" or "problem" or "pass" or "algorithm" or "peer";
            table.AddColumn(new TableColumn(column) { Alignment = words ? Justify.Left : Justify.Right });
        }

        foreach (Row row in Rows)
            table.AddRow(Cells(row).Select(Markup.Escape).ToArray());
        console.Write(table);
        foreach (string line in Summary())
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
        IReadOnlyList<Row> best = AgainstBest;
        if (best.Count < LeastCharted || best.Any(row => row.Flops is null))
            return;
        foreach (int threads in best.Select(row => row.Threads).Distinct())
            Write(new FileInfo($"{path}-{threads}.svg"), () => RatioChart.ToSvg(best, threads, Header.Cpu));
    }

    private static void Write(FileInfo? file, Func<string> content)
    {
        if (file is null)
            return;
        file.Directory?.Create();
        File.WriteAllText(file.FullName, content());
    }

    // The geometric mean is the one that does not depend on which side is the denominator.
    private IEnumerable<string> Summary() =>
        from row in Rows.Concat(AgainstBest.Select(row => row with { Peer = "the better of the peers" }))
        where row.Ratio is not null
        group row by (row.Peer, row.Threads) into rows
        let least = rows.MinBy(row => row.Ratio)
        select string.Create(CultureInfo.InvariantCulture,
            $"{rows.Key.Peer}, {rows.Key.Threads} thread(s): geometric mean {Mean(rows):0.00}x{ByPass(rows)}, of bests {Math.Exp(rows.Average(row => Math.Log(row.BestRatio!.Value))):0.00}x, least {least.Ratio:0.00}x ({Label(least)} {least.Pass}, {least.Algorithm}), {rows.Count()} row(s)");

    private static string ByPass(IEnumerable<Row> rows)
    {
        string[] means = [.. rows.GroupBy(row => row.Pass).Select(pass => string.Create(CultureInfo.InvariantCulture, $"{pass.Key} {Mean(pass):0.00}x"))];
        return means.Length > 1 ? $" ({string.Join(", ", means)})" : "";
    }

    private static double Mean(IEnumerable<Row> rows) => Math.Exp(rows.Average(row => Math.Log(row.Ratio!.Value)));

    private static string Label(Row row) => row.Name.Length > 0 ? row.Name : row.Problem;

    private static string[] Cells(Row row) =>
    [
        row.Name, row.Problem, row.Pass, Number(row.Threads, "0"), row.Algorithm, Number(row.WorkspaceMb, "0.0"),
        Number(row.OursMs, "0.000"), Number(row.OursBestMs, "0.000"), Rate(row.OursRate, row),
        row.Peer, Number(row.PeerMs, "0.000"), Number(row.PeerBestMs, "0.000"), Rate(row.PeerRate, row),
        Times(row.Ratio), Times(row.BestRatio), Number(row.Error, "0.0E+0"),
    ];

    private static string Times(double? ratio) => ratio is null ? "" : Number(ratio, "0.00") + "x";

    private static string Rate(double? rate, Row row) => rate is null ? ""
        : row.CopyRate is { } copy ? $"{Number(rate, "0")} {row.RateUnit} ({Number(100 * rate / copy, "0")} %)"
        : $"{Number(rate, "0")} {row.RateUnit}";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
