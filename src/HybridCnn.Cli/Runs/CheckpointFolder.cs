using System.Globalization;

namespace HybridCnn.Cli.Runs;

/// <summary>The checkpoints of a run: <c>step-00000123.safetensors</c>, the latest few of them, and <c>best.safetensors</c>.</summary>
internal sealed class CheckpointFolder(string runFolder)
{
    private const string Prefix = "step-", Extension = ".safetensors";

    private readonly string _path = Path.Combine(runFolder, "checkpoints");

    public string Best => Path.Combine(_path, "best" + Extension);

    public string After(long step) => Path.Combine(_path, $"{Prefix}{step:00000000}{Extension}");

    /// <summary>Makes the folder, if need be.</summary>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw UserErrorException.BadData($"The folder for checkpoints {_path} cannot be made: {e.Message}", "Name a run folder that you may write to, or say --checkpoint-every never.", e);
        }
    }

    /// <summary>The checkpoints by their steps, the latest first.</summary>
    public IReadOnlyList<(long Step, string Path)> Latest()
    {
        if (!Directory.Exists(_path))
            return [];
        var found = new List<(long Step, string Path)>();
        foreach (string file in Directory.EnumerateFiles(_path, Prefix + "*" + Extension))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(file)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long step))
                found.Add((step, file));
        }

        return [.. found.OrderByDescending(checkpoint => checkpoint.Step)];
    }

    /// <summary>Removes all but the latest.</summary>
    public void Keep(int count)
    {
        foreach ((_, string path) in Latest().Skip(count))
            File.Delete(path);
    }

    /// <summary>Takes a damaged checkpoint out of the row, and keeps it for whoever wants to know why.</summary>
    public static void SetAside(string path) => File.Move(path, path + ".damaged", overwrite: true);

    /// <summary>Removes what a process that was killed while it wrote has left, in the run's folder and in this one.</summary>
    public void DeleteLeftovers()
    {
        string[] names = ["run.json", "metrics.csv", "metrics.jsonl", "report.html", "weights.safetensors"];
        foreach (string name in names)
            DeleteTemporary(runFolder, name);
        DeleteTemporary(_path, "*" + Extension);
    }

    private static void DeleteTemporary(string folder, string name)
    {
        if (!Directory.Exists(folder))
            return;
        // The names that AtomicFile gives to files that are not yet whole.
        foreach (string file in Directory.EnumerateFiles(folder, $"{name}.*.tmp"))
            File.Delete(file);
    }
}
