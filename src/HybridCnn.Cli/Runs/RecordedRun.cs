using System.Text.Json;

namespace HybridCnn.Cli.Runs;

/// <summary>
/// A run as its folder tells of it. <c>run.json</c> is read name by name, not as a <see cref="RunRecord"/>: settings came and went
/// with the versions of the program, and a run of any of them can be compared.
/// </summary>
/// <param name="Name">The folder's, or more of its path where two are alike.</param>
/// <param name="Folder">As named.</param>
/// <param name="Status">"completed", "stopped", "interrupted", "diverged", or "unfinished" where there is no result.</param>
/// <param name="Settings">By name, such as "recipe.momentum" or "batch", each as text.</param>
/// <param name="Machine">Likewise.</param>
/// <param name="Breaks">How often it was broken off and resumed.</param>
/// <param name="Result">The end of the run; null without one.</param>
/// <param name="Epochs">What <c>metrics.jsonl</c> holds; empty where no epoch ended.</param>
internal sealed record RecordedRun(
    string Name, string Folder, string Status, IReadOnlyDictionary<string, string> Settings, IReadOnlyDictionary<string, string> Machine,
    int Breaks, RunResult? Result, IReadOnlyList<EpochMetrics> Epochs)
{
    /// <summary>The status and, if there were any, the breaks.</summary>
    public string StatusInWords => Breaks switch { 0 => Status, 1 => $"{Status}, 1 break", _ => $"{Status}, {Breaks} breaks" };

    /// <summary>The epoch with the highest test accuracy, the first of several; null without epochs.</summary>
    public EpochMetrics? Best => Epochs.MaxBy(e => e.TestAccuracy);

    /// <summary>The epoch that ended last; null without epochs.</summary>
    public EpochMetrics? Last => Epochs.Count == 0 ? null : Epochs[^1];

    /// <summary>Seconds of the training steps alone.</summary>
    public double TrainSeconds => Result?.TrainSeconds ?? Epochs.Sum(e => e.Seconds);

    /// <summary>Images trained by training seconds; 0 where nothing was trained.</summary>
    public double ImagesPerSecond => Result?.ImagesPerSecond ?? (TrainSeconds > 0 ? Epochs.Sum(e => (double)e.Images) / TrainSeconds : 0);

    /// <summary>The most memory that the process has held; null where it was not measured.</summary>
    public long? PeakResidentBytes => Epochs.Max(e => e.PeakResidentBytes);

    /// <summary>Share of the training time that was spent waiting for images.</summary>
    public double DataWait => Epochs.Sum(e => e.DataWait * e.Seconds) / Math.Max(Epochs.Sum(e => e.Seconds), 1e-9);

    /// <summary>Reads the runs in the order in which they are named.</summary>
    public static IReadOnlyList<RecordedRun> ReadAll(IReadOnlyList<string> folders)
    {
        string[] full = [.. folders.Select(folder => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))];
        string[] names = [.. full.Select(path => Path.GetFileName(path))];
        for (int i = 0; i < full.Length; i++)
        {
            int first = Array.IndexOf(full, full[i]);
            if (first < i)
                throw UserErrorException.BadUsage($"{folders[i]} is named twice{(folders[first] == folders[i] ? "" : $", first as {folders[first]}")}.", "Name each run once.");
        }

        return [.. folders.Select((folder, i) => Read(folder, names.Count(name => name == names[i]) > 1 ? Path.TrimEndingDirectorySeparator(folder) : names[i]))];
    }

    /// <summary>The command line that repeats a run.</summary>
    public static string CommandLineOf(string folder)
    {
        string file = Path.Combine(folder, "run.json");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return json.RootElement.GetProperty("command_line").GetString() ?? throw new JsonException("There is no command line.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw UserErrorException.BadData($"{file} is damaged: {e.Message}", "Begin the run in a new folder.", e);
        }
    }

    private static RecordedRun Read(string folder, string name)
    {
        string file = Path.Combine(folder, "run.json");
        if (!File.Exists(file))
            throw NoRun(folder);
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            if (!TryGetObject(json.RootElement, "settings", out JsonElement settings) || !TryGetObject(json.RootElement, "machine", out JsonElement machine))
                throw UserErrorException.BadData($"{file} is not that of a training run: it has no settings or no machine.", "Name folders that 'hybridcnn train' made.");
            RunResult? result = json.RootElement.TryGetProperty("result", out JsonElement end) ? end.Deserialize(RunJson.Lines.RunResult) : null;
            int breaks = json.RootElement.TryGetProperty("resumes", out JsonElement resumes) && resumes.ValueKind == JsonValueKind.Array ? resumes.GetArrayLength() : 0;
            return new(name, folder, result?.Status ?? "unfinished", JsonLeaves.Of(settings), JsonLeaves.Of(machine), breaks, result, ReadEpochs(Path.Combine(folder, "metrics.jsonl")));
        }
        catch (JsonException e)
        {
            throw UserErrorException.BadData($"{file} is damaged: {e.Message}", "Leave this run out, or restore the file.", e);
        }
    }

    private static bool TryGetObject(JsonElement parent, string name, out JsonElement value)
    {
        value = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out value) && value.ValueKind == JsonValueKind.Object;
    }

    private static UserErrorException NoRun(string folder)
    {
        if (!Directory.Exists(folder))
            return UserErrorException.BadData(File.Exists(folder) ? $"{folder} is a file, not the folder of a run." : $"There is no folder {folder}.", "Name the folders that 'hybridcnn train' made, such as runs/NAME.");
        int inside = Directory.EnumerateDirectories(folder).Count(inner => File.Exists(Path.Combine(inner, "run.json")));
        return UserErrorException.BadData(
            $"{folder} is not the folder of a run: it has no run.json.", inside == 0 ? "Name folders that 'hybridcnn train' made." : $"It holds {inside} runs; name those: {Path.Combine(folder, "*")}");
    }

    private static List<EpochMetrics> ReadEpochs(string file)
    {
        var epochs = new List<EpochMetrics>();
        if (!File.Exists(file))
            return epochs;
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            try
            {
                epochs.Add(JsonSerializer.Deserialize(line, RunJson.Lines.EpochMetrics) ?? throw new JsonException("null is no epoch."));
            }
            catch (JsonException e)
            {
                throw UserErrorException.BadData($"{file}, line {number}, is damaged: {e.Message}", "Leave this run out, or restore the file.", e);
            }
        }

        return epochs;
    }
}
