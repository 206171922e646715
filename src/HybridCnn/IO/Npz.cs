using System.IO.Compression;

namespace HybridCnn.IO;

/// <summary>NumPy's files: one array (.npy), or named arrays in a zip archive (.npz).</summary>
public static class Npz
{
    private const string Extension = ".npy";

    // The same bytes for the same arrays: the archive's earliest date.
    private static readonly DateTimeOffset s_noDate = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Reads every array of a .npz file, packed or not.</summary>
    /// <exception cref="DataFormatException">Missing, unreadable, not such a file, or with arrays of strings, objects or complex numbers.</exception>
    public static IReadOnlyDictionary<string, NpyArray> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(path);
            var arrays = new Dictionary<string, NpyArray>(StringComparer.Ordinal);
            foreach (ZipArchiveEntry entry in archive.Entries.Where(e => e.FullName.EndsWith(Extension, StringComparison.Ordinal)))
            {
                using Stream stream = entry.Open();
                if (!arrays.TryAdd(entry.FullName[..^Extension.Length], NpyFormat.Read($"{path}/{entry.FullName}", stream, entry.Length)))
                    throw new DataFormatException($"{path} has two arrays {entry.FullName}.");
            }

            return arrays;
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException($"{path} is no .npz file, a zip archive of arrays: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't read {path}: {e.Message}", e);
        }
    }

    /// <summary>Reads the array of a .npy file.</summary>
    /// <exception cref="DataFormatException">Missing, unreadable, not such a file, or of strings, objects or complex numbers.</exception>
    public static NpyArray ReadArray(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return NpyFormat.Read(path, stream, stream.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't read {path}: {e.Message}", e);
        }
    }

    /// <summary>Writes named arrays, atomically: after any failure the old file is unchanged. Equal arguments give equal bytes.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="arrays">In the order they are written, each under a name of its own.</param>
    /// <param name="compress">Whether to pack the elements.</param>
    /// <exception cref="ArgumentException">A name that is empty or used twice; elements that files don't hold.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, IEnumerable<(string Name, NpyArray Array)> arrays, bool compress = false)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        (string Name, NpyArray Array)[] all = [.. arrays];
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, NpyArray array) in all)
        {
            if (string.IsNullOrEmpty(name) || !names.Add(name))
                throw new ArgumentException($"An array needs a name of its own; got \"{name}\"{(names.Contains(name) ? " twice" : "")}.", nameof(arrays));
            NpyFormat.Check(array);
        }

        AtomicFile.Write(path, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            foreach ((string name, NpyArray array) in all)
            {
                ZipArchiveEntry entry = archive.CreateEntry(name + Extension, compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
                entry.LastWriteTime = s_noDate;
                using Stream content = entry.Open();
                NpyFormat.Write(content, array);
            }
        });
    }

    /// <summary>Writes one array as .npy, atomically.</summary>
    /// <exception cref="ArgumentException">Elements that files don't hold.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void WriteArray(string path, NpyArray array)
    {
        NpyFormat.Check(array);
        AtomicFile.Write(path, stream => NpyFormat.Write(stream, array));
    }
}
