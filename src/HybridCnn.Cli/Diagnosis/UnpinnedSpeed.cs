using System.Diagnostics;
using System.Text.Json;

namespace HybridCnn.Cli.Diagnosis;

/// <summary>
/// The speed without pins. OpenBLAS reads its environment once per process, so another process measures; what a pin costs
/// differs too much between processors to be said without measuring (Zen 4 loses nothing by Haswell's kernels, Zen 5 half).
/// </summary>
internal sealed record UnpinnedSpeed(string Core, double GflopsOneThread)
{
    private const int LimitMilliseconds = 60_000;

    /// <summary>Null if the other process failed.</summary>
    public static UnpinnedSpeed? Measure()
    {
        if (Environment.ProcessPath is not { } program)
            return null;
        string[] host = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        using Process? process = Process.Start(new ProcessStartInfo(program, [.. host, "doctor", "--json", "--threads", "1", "--blas-core", "auto"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        if (process is null)
            return null;
        _ = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(LimitMilliseconds))
        {
            process.Kill();
            return null;
        }

        if (process.ExitCode != ExitCode.Ok)
            return null;
        using JsonDocument found = JsonDocument.Parse(output.Result);
        return new(found.RootElement.GetProperty("blas").GetProperty("core").GetString()!, found.RootElement.GetProperty("gflops_one_thread").GetDouble());
    }

    /// <summary>What the pin costs, in words; null where it costs nothing worth a line (5 %, what two runs differ by).</summary>
    public string? Cost(string pinnedCore, double pinnedGflops, IReadOnlyList<string> pins)
    {
        double lost = 1 - pinnedGflops / GflopsOneThread;
        return lost < 0.05
            ? null
            : $"OpenBLAS is pinned to {pinnedCore} ({string.Join(", ", pins)}): {pinnedGflops:0} GFLOP/s on one thread, where {Core} reaches {GflopsOneThread:0}; "
              + $"{lost * 100:0} % of the speed is lost. Unset OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, or pass --blas-core auto.";
    }
}
