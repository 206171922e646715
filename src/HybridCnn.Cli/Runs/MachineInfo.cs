using System.Reflection;

namespace HybridCnn.Cli.Runs;

/// <summary>What a figure depends on besides the settings.</summary>
/// <param name="Pins">Environment variables that change how OpenBLAS or this program computes, as set.</param>
internal sealed record MachineInfo(
    string Processor, int Processors, string OperatingSystem, string DotNet, string HybridCnn,
    string Blas, string? BlasPath, string? BlasVersion, string? BlasCore, string? BlasConfig,
    IReadOnlyList<string> Pins, int Threads, string ThreadsReason)
{
    /// <summary>"0.1.0+edd3d6f": version and the first letters of the commit.</summary>
    public static string ProgramVersion { get; } = Shorten(
        typeof(MachineInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");

    private static string Shorten(string version) => version.IndexOf('+') is >= 0 and var plus && version.Length > plus + 8 ? version[..(plus + 8)] : version;
}
