namespace HybridCnn.Interop;

/// <summary>Which SGEMM serves, and what is known about it.</summary>
/// <param name="Kind">"openblas", "cblas" for any other library, or "portable".</param>
/// <param name="Path">The library file, or the bare name by which the system found it.</param>
/// <param name="Version">"0.3.21"; empty where the library doesn't say, and for the portable one.</param>
/// <param name="Core">The kernels that the library chose for this processor: "SkylakeX". Empty where it doesn't say, and for the portable one.</param>
/// <param name="Config">OpenBLAS's own line about how it was built. Empty for others.</param>
/// <param name="Parallel">How OpenBLAS was built: "sequential", "pthreads" or "openmp"; "unknown" for other libraries. It runs on one thread in any case.</param>
/// <param name="MaxThreads">How many callers at once its tables are built for; 0 if it doesn't say.</param>
/// <param name="EnvironmentPins">The variables of the environment that change what OpenBLAS chooses, as NAME=value.</param>
/// <param name="PinCost">What a pin costs on this processor and how to undo it; null if none costs anything.</param>
/// <param name="Trace">Every path that was looked at, with what came of it.</param>
public sealed record BlasInfo(
    string Kind,
    string Path,
    string Version,
    string Core,
    string Config,
    string Parallel,
    int MaxThreads,
    IReadOnlyList<string> EnvironmentPins,
    string? PinCost,
    IReadOnlyList<string> Trace)
{
    /// <summary>"OpenBLAS", "BLIS", "MKL", "CBLAS" for a library that doesn't say, or "portable SGEMM".</summary>
    public string Name { get; init; } = "portable SGEMM";

    /// <summary>How the library was held to one thread: ours are the threads that call it. Empty for the portable one, which has none.</summary>
    public string Threading { get; init; } = "";

    /// <summary>Whether OpenBLAS serves, rather than another library or the portable SGEMM.</summary>
    public bool IsOpenBlas => Kind == "openblas";

    /// <summary>One line: "OpenBLAS 0.3.21, SkylakeX kernels".</summary>
    public override string ToString() => Kind == "portable"
        ? "portable SGEMM (no OpenBLAS)"
        : $"{Name} {(Version.Length > 0 ? Version : Path)}{(Core.Length > 0 ? $", {Core} kernels" : "")}";
}
