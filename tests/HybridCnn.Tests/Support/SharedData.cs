namespace HybridCnn.Tests.Support;

/// <summary>
/// Data sets and reference cases that are too large, or not ours, to be in the repository: the folder that
/// HYBRIDCNN_TEST_DATA names, else shared/data beside the checkout or above it.
/// </summary>
internal static class SharedData
{
    public static string? Folder { get; } = Find();

    /// <summary>The path of a part ("mnist", "torch-ref") or null when it isn't there.</summary>
    public static string? Part(string name) =>
        Folder is not null && Directory.Exists(Path.Combine(Folder, name)) ? Path.Combine(Folder, name) : null;

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("HYBRIDCNN_TEST_DATA") is { Length: > 0 } named)
            return named;
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string folder = Path.Combine(at.FullName, "shared", "data");
            if (Directory.Exists(folder))
                return folder;
        }

        return null;
    }
}

/// <summary>A fact that is reported as skipped where a part of <see cref="SharedData"/> isn't there.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedDataFactAttribute : FactAttribute
{
    public SharedDataFactAttribute(string part)
    {
        if (SharedData.Part(part) is null)
            Skip = $"No folder \"{part}\" in HYBRIDCNN_TEST_DATA or ../shared/data.";
    }
}
