using System.Text.Json;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>A checkpoint of <c>hybridcnn train</c>, to go on from.</summary>
internal sealed class Resumption
{
    /// <summary>What the notes of a checkpoint are called: a <see cref="RunRecord"/> and a <see cref="RunProgress"/>, as JSON.</summary>
    public const string RunNote = "run", ProgressNote = "progress";

    private readonly JsonElement _run;

    private Resumption(string path, LoaderPosition position, JsonElement run, RunProgress progress)
    {
        (Path, Position, _run, Progress) = (path, position, run, progress);
        Started = run.GetProperty("started").GetDateTimeOffset();
        CommandLine = run.GetProperty("command_line").GetString() ?? throw new JsonException("There is no command line.");
        Resumes = run.TryGetProperty("resumes", out JsonElement resumes) ? resumes.Deserialize(RunJson.Lines.IReadOnlyListRunResume)! : [];
    }

    public string Path { get; }

    public LoaderPosition Position { get; }

    public RunProgress Progress { get; }

    /// <summary>When the run first began.</summary>
    public DateTimeOffset Started { get; }

    /// <summary>The command line that repeats the run.</summary>
    public string CommandLine { get; }

    /// <summary>Earlier breaks of the run.</summary>
    public IReadOnlyList<RunResume> Resumes { get; }

    /// <exception cref="DataFormatException">Missing, damaged, or no checkpoint of <c>hybridcnn train</c>.</exception>
    public static Resumption Read(string path)
    {
        CheckpointInfo info = Checkpoint.Describe(path);
        if (!info.Notes.TryGetValue(RunNote, out string? run) || !info.Notes.TryGetValue(ProgressNote, out string? progress))
            throw new DataFormatException($"{path} is a checkpoint, but not one of 'hybridcnn train': it has no notes \"{RunNote}\" and \"{ProgressNote}\".");
        try
        {
            return new(
                path, info.Position, JsonDocument.Parse(run).RootElement,
                JsonSerializer.Deserialize(progress, RunJson.Lines.RunProgress) ?? throw new JsonException("null is no progress."));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DataFormatException($"{path}: its notes are damaged. {e.Message}", e);
        }
    }

    /// <summary>The latest readable checkpoint of a run; damaged ones are set aside, with a note. Null where the run has none.</summary>
    /// <exception cref="UserErrorException">There are checkpoints, and none can be read.</exception>
    public static Resumption? Latest(CheckpointFolder folder)
    {
        IReadOnlyList<(long Step, string Path)> all = folder.Latest();
        var damaged = new List<string>();
        foreach ((_, string path) in all)
        {
            try
            {
                var found = Read(path);
                // Only now: where none can be read, all stay as they are.
                damaged.ForEach(CheckpointFolder.SetAside);
                return found;
            }
            catch (DataFormatException e)
            {
                Console.Error.WriteLine($"note: a checkpoint is left out, and gets a name that ends in .damaged. {e.Message}");
                damaged.Add(path);
            }
        }

        return all.Count == 0
            ? null
            : throw UserErrorException.BadData(
                $"None of the {all.Count} checkpoints beside {all[0].Path} can be read.",
                File.Exists(folder.Best) ? $"'--resume {folder.Best}' goes on from the best one, in a new folder." : "Start a new run in another folder.");
    }

    /// <summary>Refuses to go on with other settings than those that led to the checkpoint.</summary>
    /// <exception cref="UserErrorException">Names each setting that differs, with both values.</exception>
    public void RequireSame(TrainSettings settings, DataInfo data)
    {
        Dictionary<string, string> then = Leaves("settings"), now = JsonLeaves.Of(JsonSerializer.SerializeToElement(settings, RunJson.Lines.TrainSettings));
        string[] differences =
        [
            .. then.Keys.Union(now.Keys).Where(name => !settings.MayDiffer(name) && then.GetValueOrDefault(name) != now.GetValueOrDefault(name))
                .Select(name => Difference(TrainSettings.OptionOf(name), then.GetValueOrDefault(name), now.GetValueOrDefault(name))),
            .. DataDifferences(data),
        ];
        if (differences.Length > 0)
            throw UserErrorException.BadUsage($"{Path} is from another training: {string.Join("; ", differences)}.", "Give the settings that the run was begun with, or begin a new run.");
    }

    /// <summary>What is different on this machine, and may change the last bits; null = nothing.</summary>
    public string? MachineDifference(MachineInfo machine, bool deterministic)
    {
        Dictionary<string, string> then = Leaves("machine"), now = JsonLeaves.Of(JsonSerializer.SerializeToElement(machine, RunJson.Lines.MachineInfo));
        string[] names = ["processor", "hybrid_cnn", "blas", "blas_version", "blas_core", .. deterministic ? Array.Empty<string>() : ["threads"]];
        string[] differences = [.. names.Where(name => then.GetValueOrDefault(name) != now.GetValueOrDefault(name))
            .Select(name => Difference(name.Replace('_', ' '), then.GetValueOrDefault(name), now.GetValueOrDefault(name)))];
        return differences.Length == 0 ? null : $"from here on the last bits may not be those of a run without a break: {string.Join("; ", differences)}.";
    }

    private IEnumerable<string> DataDifferences(DataInfo data)
    {
        Dictionary<string, string> then = Leaves("data"), now = JsonLeaves.Of(JsonSerializer.SerializeToElement(data, RunJson.Lines.DataInfo));
        return then.Keys.Union(now.Keys).Where(name => then.GetValueOrDefault(name) != now.GetValueOrDefault(name))
            .Select(name => Difference($"the data's {name.Replace('_', ' ')}", then.GetValueOrDefault(name), now.GetValueOrDefault(name)));
    }

    private Dictionary<string, string> Leaves(string name) => _run.TryGetProperty(name, out JsonElement element) ? JsonLeaves.Of(element) : [];

    private static string Difference(string name, string? then, string? now) => $"{name} was {then ?? "not set"} and is {now ?? "not set"}";
}
