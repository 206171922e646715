namespace HybridCnn.Cli.Runs;

/// <summary>A setting, or a fact of the machine, over all runs.</summary>
/// <param name="Name">"momentum".</param>
/// <param name="Values">One for each run; null where the run doesn't have it.</param>
internal sealed record ComparedSetting(string Name, IReadOnlyList<string?> Values)
{
    public bool Differs => Values.Distinct().Count() > 1;
}

/// <summary>Several runs side by side.</summary>
internal sealed class RunComparison(IReadOnlyList<RecordedRun> runs)
{
    public IReadOnlyList<RecordedRun> Runs { get; } = runs;

    /// <summary>Those that differ first.</summary>
    public IReadOnlyList<ComparedSetting> Settings { get; } = Compare(runs, run => run.Settings);

    /// <inheritdoc cref="Settings"/>
    public IReadOnlyList<ComparedSetting> Machine { get; } = Compare(runs, run => run.Machine);

    private static ComparedSetting[] Compare(IReadOnlyList<RecordedRun> runs, Func<RecordedRun, IReadOnlyDictionary<string, string>> values) =>
        [.. runs.SelectMany(run => values(run).Select(pair => pair.Key)).GroupBy(Short)
            .Select(names => new ComparedSetting(names.Key.Replace('_', ' '), [.. runs.Select(run => names.Select(name => values(run).GetValueOrDefault(name)).FirstOrDefault(value => !string.IsNullOrEmpty(value)))]))
            .Where(setting => setting.Values.Any(value => value is not null))
            .OrderByDescending(setting => setting.Differs)];

    // A setting that moved from one group to another is still the same.
    private static string Short(string name) => name[(name.LastIndexOf('.') + 1)..];
}
