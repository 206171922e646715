using HybridCnn.Benchmarks.Machine;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>The rows of a run as they come. They are written after every contest, so that no way to end a run loses one that was complete.</summary>
internal sealed class Results(VersusRequest request, Header header)
{
    private const int MostNamed = 12;

    private readonly List<string> _order = [.. request.Convolutions.Select(problem => problem.Dims.ToString())];
    private readonly List<string> _missing = [.. request.TooLarge];
    private readonly List<Row> _rows = [];

    public void Add(IEnumerable<Row> rows) => _rows.AddRange(rows);

    /// <summary>A contest that gave no rows.</summary>
    public void LeaveOut(string contest, string reason) => _missing.Add($"without {contest}: {reason}");

    /// <summary>What there is so far, marked as incomplete where contests are still to come.</summary>
    public Report Report(IReadOnlyList<Contest> toCome) => new(
        header with { Missing = toCome.Count == 0 ? _missing : [.. _missing, StoppedBefore(toCome)] },
        [.. _rows.OrderBy(row => _order.IndexOf(row.Problem)).ThenBy(row => row.Flops is null ? 0 : row.Threads)]);

    /// <summary>Writes the files that were asked for.</summary>
    public void Save(IReadOnlyList<Contest> toCome)
    {
        Report report = Report(toCome);
        report.Save(request.Json, request.Markdown);
        if (request.Results is { } folder)
            report.SaveAll(Path.Combine(folder.FullName, Cpu.Folder, request.Title));
    }

    private static string StoppedBefore(IReadOnlyList<Contest> toCome) =>
        $"stopped before {string.Join(", ", toCome.Take(MostNamed).Select(contest => contest.Title))}"
        + (toCome.Count > MostNamed ? $" and {toCome.Count - MostNamed} more" : "");
}
