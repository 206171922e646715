namespace HybridCnn.IO;

/// <summary>Replaces a file as a whole: after any failure, the old file is still there, unchanged.</summary>
public static class AtomicFile
{
    /// <summary>Writes a file beside the old one, flushes it to the disk, and renames it over the old one.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="write">Writes the content. An exception of its own passes through.</param>
    /// <exception cref="IOException">The folder is missing or read-only, the disk is full, …: the message says which, and that the old file is unchanged.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        // In the same folder: a rename is atomic only within one file system.
        string beside = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
        }
        catch (Exception e)
        {
            TryDelete(beside);
            // .NET's word for a file that is larger than the file system or the process's limit allows (EFBIG).
            bool tooLarge = e is ArgumentOutOfRangeException { ParamName: "value" };
            if (e is IOException or UnauthorizedAccessException || tooLarge)
            {
                string old = File.Exists(path) ? " The file that was there is unchanged." : "";
                string reason = tooLarge ? "it would be larger than the file system, or the limit of this process, allows" : e.Message.TrimEnd('.');
                throw new IOException($"Can't write {path}: {reason}.{old}", e);
            }

            throw;
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that led here is the one to report.
        }
    }
}
