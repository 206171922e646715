namespace HybridCnn.IO;

/// <summary>A file or folder isn't what it should be: what was read, where in it, what belongs there and what was found.</summary>
public sealed class DataFormatException : Exception
{
    /// <summary>Describes damage at one place of a file.</summary>
    /// <param name="file">The file's path.</param>
    /// <param name="offset">Byte offset of the damage; for a compressed file, in the unpacked bytes.</param>
    /// <param name="expected">What belongs there: "magic 00000803".</param>
    /// <param name="found">What is there instead: "magic 00000801".</param>
    /// <param name="cause">The exception that led to it, if any.</param>
    public DataFormatException(string file, long offset, string expected, string found, Exception? cause = null)
        : base($"{file}, byte {offset}: expected {expected}, found {found}.", cause)
    {
        File = file;
        Offset = offset;
        Expected = expected;
        Found = found;
    }

    /// <summary>Describes trouble that has no place within a file: one that is missing, or cannot be read at all.</summary>
    /// <param name="message">The whole message: what is wrong and what to do.</param>
    /// <param name="cause">The exception that led to it, if any.</param>
    public DataFormatException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>The file's path, or null where the trouble is not one file's.</summary>
    public string? File { get; }

    /// <summary>Byte offset of the damage; -1 where there is none.</summary>
    public long Offset { get; } = -1;

    /// <summary>What belongs at <see cref="Offset"/>.</summary>
    public string? Expected { get; }

    /// <summary>What is at <see cref="Offset"/>.</summary>
    public string? Found { get; }
}
