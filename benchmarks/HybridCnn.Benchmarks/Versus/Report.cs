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

    private static readonly string[] Columns =
        ["problem", "pass", "threads", "algorithm", "ours ms", "best", "rate", "peer", "peer ms", "best", "rate", "ratio", "error"];

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
            bool words = column is "problem" or "pass" or "algorithm" or "peer";
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

    private static void Write(FileInfo? file, Func<string> content)
    {
        if (file is null)
            return;
        file.Directory?.Create();
        File.WriteAllText(file.FullName, content());
    }

    // The geometric mean is the one that does not depend on which side is the denominator.
    private IEnumerable<string> Summary() =>
        from row in Rows
        where row.Ratio is not null
        group row by (row.Peer, row.Threads) into rows
        select string.Create(CultureInfo.InvariantCulture,
            $"{rows.Key.Peer}, {rows.Key.Threads} thread(s): geometric mean {Math.Exp(rows.Average(r => Math.Log(r.Ratio!.Value))):0.00}x, least {rows.Min(r => r.Ratio):0.00}x, {rows.Count()} row(s)");

    private static string[] Cells(Row row) =>
    [
        row.Problem, row.Pass, Number(row.Threads, "0"), row.Algorithm,
        Number(row.OursMs, "0.000"), Number(row.OursBestMs, "0.000"), Rate(row.OursRate, row.RateUnit),
        row.Peer, Number(row.PeerMs, "0.000"), Number(row.PeerBestMs, "0.000"), Rate(row.PeerRate, row.RateUnit),
        row.Ratio is { } ratio ? Number(ratio, "0.00") + "x" : "", Number(row.Error, "0.0E+0"),
    ];

    private static string Rate(double? rate, string unit) => rate is null ? "" : $"{Number(rate, "0")} {unit}";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
