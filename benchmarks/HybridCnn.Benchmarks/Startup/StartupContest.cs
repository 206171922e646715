using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;

namespace HybridCnn.Benchmarks.Startup;

/// <summary>`versus --startup`: whole processes in turns, from their start until their first training step is done.</summary>
internal static class StartupContest
{
    // Both sides compute the same loss but for their initial weights: near ln 10.
    private const double LeastLoss = 1.8, MostLoss = 3.5;

    /// <param name="native">Our program by NativeAOT; null to publish it now.</param>
    /// <param name="threads">Of every program; a table for each number.</param>
    /// <param name="rounds">Turns that everybody gets, after one that does not count.</param>
    public static int Run(FileInfo? native, int[] threads, int rounds)
    {
        if (Torch.Unavailable is { } reason)
            Console.WriteLine($"TorchSharp is not available: {reason}");
        string dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        native ??= Publish(dotnet);
        foreach (int count in threads)
            Run(Programs(dotnet, native.FullName, count), count, rounds);
        return 0;
    }

    private static StartupProgram[] Programs(string dotnet, string native, int threads)
    {
        string count = threads.ToString(CultureInfo.InvariantCulture);
        string self = typeof(StartupContest).Assembly.Location;
        StartupProgram[] programs =
        [
            new("TorchSharp, framework-dependent", dotnet, [self, FirstStep.Verb, "torch", count]),
            new("ours, framework-dependent", dotnet, [self, FirstStep.Verb, "ours", count]),
            new("ours, NativeAOT", native, [count]),
        ];
        return Torch.Unavailable is null ? programs : programs[1..];
    }

    private static void Run(StartupProgram[] programs, int threads, int rounds)
    {
        // The first round fills the system's file cache.
        for (int round = 0; round <= rounds; round++)
        {
            for (int turn = 0; turn < programs.Length; turn++)
                programs[(round + turn) % programs.Length].Run(counts: round > 0);
        }

        Console.WriteLine($"{Processor.Name}, {Environment.ProcessorCount} processor(s), {threads} thread(s); LeNet, batch {FirstStep.Batch}; medians of {rounds} processes each, in turns\n");
        Console.WriteLine("| program | ms to the first step | of the first row's | peak resident MB | of the first row's | loss | with |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (StartupProgram program in programs)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {program.Name} | {program.Milliseconds:0} | {program.Milliseconds / programs[0].Milliseconds:0.00} | {program.Megabytes:0} | {program.Megabytes / programs[0].Megabytes:0.00} | {program.Loss:0.00} | {program.With} |"));
            if (!(program.Loss is >= LeastLoss and <= MostLoss))
                throw new InvalidOperationException($"{program.Name}: a first loss of {program.Loss} is no untrained network's over {FirstStep.Classes} classes.");
        }

        Console.WriteLine();
    }

    private static FileInfo Publish(string dotnet)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "HybridCnn.sln")))
            root = root.Parent;
        if (root is null)
            throw new ArgumentException("The program to publish by NativeAOT is not here, as this is no checkout; name one with --native.");
        string output = Path.Combine(root.FullName, "artifacts", "startup");
        Console.WriteLine($"publishing our program by NativeAOT into {Path.GetRelativePath(Environment.CurrentDirectory, output)} ...");
        string[] arguments = ["publish", Path.Combine(root.FullName, "benchmarks", "HybridCnn.Startup"), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "-o", output];
        using Process process = Process.Start(new ProcessStartInfo(dotnet, arguments) { RedirectStandardOutput = true })!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new ArgumentException($"dotnet {string.Join(' ', arguments)} ended with exit code {process.ExitCode}; --native names a program that is there.\n{text}");
        return new(Path.Combine(output, OperatingSystem.IsWindows() ? "HybridCnn.Startup.exe" : "HybridCnn.Startup"));
    }
}
