namespace HybridCnn.Cli.Runs;

/// <summary>
/// Keeps a run folder for one process: the file <c>run.lock</c> in it, which the system itself lets go of however the process ends. Who is killed leaves
/// the file, but not the lock.
/// </summary>
internal sealed class RunLock : IDisposable
{
    public const string Name = "run.lock";

    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes a folder that is there.</summary>
    /// <exception cref="UserErrorException">Another process has it.</exception>
    public static RunLock Take(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            bool taken = e is IOException && File.Exists(path);
            throw taken
                ? UserErrorException.BadUsage($"{folder}: another process trains there; it has locked {path}.", "Wait for its end, or stop it; or name another folder with --out.", e)
                : UserErrorException.BadData($"The run folder {folder} cannot be locked: {e.Message}", "Name a folder that you may write to with --out.", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
