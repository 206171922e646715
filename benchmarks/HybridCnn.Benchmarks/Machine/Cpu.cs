using HybridCnn.Compute;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>The processor's name in files.</summary>
internal static class Cpu
{
    /// <summary>The name as a folder: lower case, everything but letters and digits to single hyphens.</summary>
    public static string Folder => string.Join('-', Processor.Name.ToLowerInvariant().Split(
        [.. Processor.Name.ToLowerInvariant().Where(c => !char.IsAsciiLetterOrDigit(c)).Distinct()], StringSplitOptions.RemoveEmptyEntries));
}
