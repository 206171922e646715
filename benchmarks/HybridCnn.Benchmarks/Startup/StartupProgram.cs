using System.Diagnostics;
using System.Globalization;

namespace HybridCnn.Benchmarks.Startup;

/// <summary>A program that makes one training step, and what its runs took.</summary>
internal sealed record StartupProgram(string Name, string File, string[] Arguments)
{
    private readonly List<double> _milliseconds = [];
    private readonly List<double> _megabytes = [];

    /// <summary>Median, from the start of the process until it has said that its first step is done.</summary>
    public double Milliseconds => Median(_milliseconds);

    /// <summary>Median of the peak of resident memory, in units of 2^20 bytes.</summary>
    public double Megabytes => Median(_megabytes);

    /// <summary>What it says that it computed with.</summary>
    public string With { get; private set; } = "";

    /// <summary>The first loss: it tells that all did the same kind of work.</summary>
    public double Loss { get; private set; }

    /// <exception cref="InvalidOperationException">The program failed.</exception>
    public void Run(bool counts)
    {
        var start = new ProcessStartInfo(File, Arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        string? step = process.StandardOutput.ReadLine();
        double milliseconds = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string[] rest = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        if (process.ExitCode != 0 || step?.Split(' ') is not ["step", var loss] || rest is not [var peak, var with, ..])
            throw new InvalidOperationException($"{File} {string.Join(' ', Arguments)} ended with exit code {process.ExitCode}: {step} {error.Result}");
        Loss = double.Parse(loss, CultureInfo.InvariantCulture);
        With = with[(with.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        if (!counts)
            return;
        _milliseconds.Add(milliseconds);
        _megabytes.Add(double.Parse(peak.Split(' ')[1], CultureInfo.InvariantCulture) / 1024);
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
