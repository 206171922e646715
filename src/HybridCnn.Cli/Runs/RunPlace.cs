namespace HybridCnn.Cli.Runs;

/// <summary>Where a run writes, and from what it goes on.</summary>
/// <param name="Folder">The folder of a run that goes on there; null = a new one.</param>
/// <param name="From">The checkpoint; null = a run from the beginning.</param>
internal sealed record RunPlace(string? Folder, Resumption? From) : IDisposable
{
    private RunLock? _lock;

    public const string Auto = "auto";

    /// <summary>What the run was begun with; null where a new one begins.</summary>
    public string? CommandLine { get; private init; }

    /// <summary>Finds the place, and locks the folder of a run that goes on there.</summary>
    /// <param name="resume">"auto", the folder of a run, or a checkpoint; null = a new run.</param>
    /// <param name="output">The folder to write to, as named.</param>
    public static RunPlace Find(string? resume, string? output)
    {
        if (resume is null)
            return new(null, null);
        if (resume == Auto)
            return output is null
                ? throw UserErrorException.BadUsage("--resume auto: it isn't said which run goes on.", "Name its folder with --out; a folder that isn't there yet begins a new run.")
                : Continue(output);
        if (Directory.Exists(resume))
        {
            if (output is not null)
                throw UserErrorException.BadUsage($"--out {output}: the run in {resume} goes on in its own folder.", "Leave --out away, or name one of its checkpoints with --resume.");
            return Continue(resume) is { From: not null } place
                ? place
                : throw UserErrorException.BadData($"--resume {resume}: there is no checkpoint in {Path.Combine(resume, "checkpoints")}.", "Name the folder of a run that has one, or a checkpoint.");
        }

        return File.Exists(resume)
            ? InNewFolder(Resumption.Read(resume))
            : throw UserErrorException.BadData($"--resume {resume}: there is no such folder and no such file.", "Name the folder of a run, such as runs/NAME, one of the files in its checkpoints, or auto.");
    }

    public void Dispose() => _lock?.Dispose();

    private static RunPlace InNewFolder(Resumption from) => new(null, from) { CommandLine = from.CommandLine };

    private static RunPlace Continue(string folder)
    {
        if (!Directory.Exists(folder))
            return new(null, null);
        var taken = RunLock.Take(folder);
        try
        {
            var checkpoints = new CheckpointFolder(folder);
            checkpoints.DeleteLeftovers();
            if (!RunFolder.IsRun(folder))
            {
                taken.Dispose();
                return new(null, null);
            }

            Resumption? from = Resumption.Latest(checkpoints);
            if (from is null)
                Console.Error.WriteLine($"note: {folder} has no checkpoint yet: the run begins anew.");
            return new(folder, from) { _lock = taken, CommandLine = from?.CommandLine ?? RecordedRun.CommandLineOf(folder) };
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }
}
