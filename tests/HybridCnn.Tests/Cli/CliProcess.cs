using System.Diagnostics;

namespace HybridCnn.Tests.Cli;

/// <summary>What the command line printed and returned.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Starts the command line that was built beside the tests.</summary>
internal static class CliProcess
{
    private const int LimitMilliseconds = 60_000;

    // artifacts/bin/HybridCnn.Tests/release/ → artifacts/bin/HybridCnn.Cli/release/
    private static readonly string s_program = Path.GetFullPath(Path.Combine(
        AppContext.BaseDirectory, "..", "..", "HybridCnn.Cli", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "HybridCnn.Cli.dll"));

    public static CliResult Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        return Finish(process, process.StandardOutput.ReadToEndAsync());
    }

    /// <summary>Runs until standard output has a line with <paramref name="text"/>, sends the signal, and waits for the end.</summary>
    public static CliResult Interrupt(string signal, string text, params string[] arguments)
    {
        using Process process = Start(arguments);
        string? line;
        string before = "";
        do
        {
            line = process.StandardOutput.ReadLine();
            before += line + "\n";
        }
        while (line is not null && !line.Contains(text, StringComparison.Ordinal));
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
        CliResult result = Finish(process, process.StandardOutput.ReadToEndAsync());
        return result with { Output = before + result.Output };
    }

    /// <summary>Ends the process with SIGKILL as soon as <paramref name="moment"/> has come; returns false where it had ended by itself.</summary>
    public static bool Kill(Func<bool> moment, params string[] arguments)
    {
        using Process process = Start(arguments);
        Task output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        var clock = Stopwatch.StartNew();
        while (!moment() && !process.HasExited)
            Assert.True(clock.ElapsedMilliseconds < LimitMilliseconds, "The moment to kill the command line didn't come.");
        bool running = !process.HasExited;
        process.Kill();
        process.WaitForExit();
        Task.WaitAll(output, error);
        return running;
    }

    /// <summary>Runs in a shell that lets no file grow beyond a size.</summary>
    public static CliResult RunWithFilesUpTo(int bytes, params string[] arguments)
    {
        // In POSIX shells the unit is 512 bytes. The signal that comes with the refusal would end the process. The runtime's own files for generated code would
        // be larger: Start turns them off.
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"trap '' XFSZ; ulimit -f {bytes / 512}; exec dotnet \"$@\"", "sh", s_program, .. arguments]);
        using Process process = Start(start);
        return Finish(process, process.StandardOutput.ReadToEndAsync());
    }

    private static Process Start(string[] arguments) => Start(new ProcessStartInfo("dotnet", [s_program, .. arguments]));

    private static Process Start(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        foreach (string name in new[] { "HYBRIDCNN_NUM_THREADS", "HYBRIDCNN_DEBUG", "HYBRIDCNN_BLAS", "HYBRIDCNN_BLAS_CORETYPE" })
            start.Environment.Remove(name);
        // These processes live for a second: what the runtime spends for later, counting calls and guarding its code, is a fifth of it.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        return Process.Start(start)!;
    }

    private static CliResult Finish(Process process, Task<string> output)
    {
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(LimitMilliseconds))
        {
            process.Kill();
            Assert.Fail($"The command line was still running after {LimitMilliseconds} ms.");
        }

        return new(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
