using System.Diagnostics;

namespace HybridCnn.Cli.Runs;

/// <summary>How much memory this process holds.</summary>
internal static class ProcessMemory
{
    /// <summary>The most bytes that were resident so far; null where the system keeps no such count.</summary>
    public static long? PeakResident()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 is > 0 and var bytes ? bytes : null;
    }
}
