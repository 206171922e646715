using Spectre.Console;

namespace HybridCnn.Cli.Display;

/// <summary>Rows under headings: a table on a terminal, padded columns in a file or a pipe.</summary>
/// <param name="headings">From left to right; one that begins with ">" heads a column of numbers, which stand at its right.</param>
internal sealed class TextTable(params string[] headings)
{
    private const int Gap = 1;

    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Write()
    {
        if (Console.IsOutputRedirected)
        {
            foreach (string line in Lines())
                Console.WriteLine(line);
            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < headings.Length; i++)
        {
            var column = new TableColumn($"[blue]{Heading(i).EscapeMarkup()}[/]") { NoWrap = true, Padding = new Padding(0, 0, i == headings.Length - 1 ? 0 : Gap, 0) };
            table.AddColumn(IsNumber(i) ? column.RightAligned() : column);
        }

        foreach (string[] row in _rows)
            table.AddRow([.. row.Select(cell => cell.EscapeMarkup())]);
        AnsiConsole.Write(table);
    }

    /// <summary>The headings and the rows in padded columns.</summary>
    public IEnumerable<string> Lines()
    {
        string[][] all = [[.. Enumerable.Range(0, headings.Length).Select(Heading)], .. _rows];
        int[] widths = [.. Enumerable.Range(0, headings.Length).Select(i => all.Max(row => row[i].Length))];
        return all.Select(row => string.Join(new string(' ', Gap), row.Select((cell, i) => IsNumber(i) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]))).TrimEnd());
    }

    private bool IsNumber(int column) => headings[column].StartsWith('>');

    private string Heading(int column) => headings[column].TrimStart('>');
}
