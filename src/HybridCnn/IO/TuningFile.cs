using System.Text.Json;
using System.Text.Json.Serialization;
using HybridCnn.Operators;

namespace HybridCnn.IO;

/// <summary>A <see cref="TuningCache"/> on disk: one file of JSON, for any number of machines and processes.</summary>
public static class TuningFile
{
    /// <summary>The environment variable that names the file.</summary>
    public const string EnvironmentVariable = "HYBRIDCNN_TUNE_CACHE";

    private const string Format = "hybridcnn tuning 1";

    /// <summary>
    /// Where the cache is unless told: what <see cref="EnvironmentVariable"/> says, else hybridcnn/tuning.json in the user's folder for caches
    /// (XDG_CACHE_HOME or ~/.cache, ~/Library/Caches on macOS, the local application data on Windows).
    /// </summary>
    public static string DefaultPath => Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } named
        ? Path.GetFullPath(named)
        : Path.Combine(CacheFolder(), "hybridcnn", "tuning.json");

    /// <summary>Reads a cache; an empty one if there is no file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">
    /// The file is damaged, is something else, comes from another version of the format, or cannot be read. It is left as it is.
    /// </exception>
    public static TuningCache Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var cache = new TuningCache();
        foreach (TuningEntry entry in Read(path))
            cache.Set(entry.Key, entry.Result);
        return cache;
    }

    /// <summary>
    /// Adds a cache's entries to a file, which is replaced as a whole; its folder is made if missing. Entries that only the file has stay.
    /// Of two processes that save at the same moment, the later one wins: the other's entries are measured again when they are needed.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="cache">What to add.</param>
    /// <exception cref="DataFormatException">As by <see cref="Load"/>: what is there is no cache, and is left as it is.</exception>
    /// <exception cref="IOException">The folder or the file can't be written.</exception>
    public static void Save(string path, TuningCache cache)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(cache);
        TuningCache merged = Load(path);
        foreach (var (key, result) in cache.Entries)
            merged.Set(key, result);
        var content = new TuningContent(Format, [.. merged.Entries.Select(entry => new TuningEntry(entry.Key, entry.Value)).OrderBy(entry => entry.Key.ToString(), StringComparer.Ordinal)]);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Can't write {path}: {e.Message}", e);
        }

        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, content, TuningJson.Default.TuningContent));
    }

    private static IReadOnlyList<TuningEntry> Read(string path)
    {
        TuningContent? content;
        try
        {
            using FileStream stream = File.OpenRead(path);
            content = JsonSerializer.Deserialize(stream, TuningJson.Default.TuningContent);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw NoCache(path, e.Message, e);
        }

        if (content?.Format != Format)
            throw NoCache(path, $"its format is \"{content?.Format}\", expected \"{Format}\"");
        // The serializer sees to missing and wrong values, but not to a null within a list.
        foreach (TuningEntry? entry in content.Entries)
        {
            if (entry is null || entry.Result.Times.Any(time => time is null) || entry.Result.Times.All(time => time.Algorithm != entry.Result.Chosen))
                throw NoCache(path, $"{entry?.Key.Problem} {entry?.Key.Pass}: no time of the chosen algorithm {entry?.Result.Chosen}");
        }

        return content.Entries;
    }

    private static DataFormatException NoCache(string path, string why, Exception? cause = null) =>
        new($"{path} is no tuning cache of this version: {why.TrimEnd('.')}. Delete it, or name another file by {EnvironmentVariable}.", cause);

    private static string CacheFolder()
    {
        if (OperatingSystem.IsWindows())
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        // The XDG base directory specification: a relative path is to be ignored.
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } folder && Path.IsPathRooted(folder))
            return folder;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
    }
}

/// <summary>The file as a whole.</summary>
internal sealed record TuningContent(string Format, IReadOnlyList<TuningEntry> Entries);

/// <summary>One measured pass.</summary>
internal sealed record TuningEntry(TuningKey Key, TuningResult Result);

/// <summary>Source-generated, so that trimming and ahead-of-time compilation keep working.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(TuningContent))]
internal sealed partial class TuningJson : JsonSerializerContext;
