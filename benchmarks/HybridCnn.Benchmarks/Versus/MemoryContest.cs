using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using HybridCnn.Benchmarks.Peers;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>The most memory that is resident during training steps, everybody in a process of its own.</summary>
internal static class MemoryContest
{
    private const double Megabyte = 1 << 20;

    public static IEnumerable<Row> Run(string network, int batch, int threads)
    {
        double ours = Measure(PeakMemoryCommand.Ours, network, batch, threads);
        foreach ((string peer, _) in Torch.Variants)
        {
            var row = new Row(network, "memory", batch, threads, "", null, peer, null, null) { OursPeakMb = ours };
            yield return Torch.Unavailable is { } reason
                ? row with { Peer = $"{peer}: not available: {reason}" }
                : row with { PeerPeakMb = Measure(peer, network, batch, threads) };
        }
    }

    private static double Measure(string who, string network, int batch, int threads)
    {
        string self = Environment.ProcessPath!;
        var start = new ProcessStartInfo(self) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet")
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        foreach (string argument in (string[])[PeakMemoryCommand.Name, who, network, $"{batch}", $"{threads}"])
            start.ArgumentList.Add(argument);
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0
            ? long.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture) / Megabyte
            : throw new WrongResultException($"The process of {who} ended with {child.ExitCode}.");
    }
}
