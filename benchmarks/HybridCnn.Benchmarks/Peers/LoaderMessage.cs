using System.Text.RegularExpressions;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The system's loader lists every path that it tried; the line that matters is the one about a file that was there.</summary>
internal static partial class LoaderMessage
{
    /// <summary>In one line, why a native library did not load.</summary>
    public static string Cause(string message) =>
        MissingVersion().Match(message) is { Success: true } cause ? cause.Value : message.Split('\n')[0].Trim();

    [GeneratedRegex(@"[^\s/:]+: version `[^']+' not found")]
    private static partial Regex MissingVersion();
}
