using System.Globalization;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Tensors;
using Spectre.Console;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>Where and with what the rows were measured: figures without it cannot be compared.</summary>
/// <param name="Command">What was run.</param>
/// <param name="Date">UTC.</param>
/// <param name="Cpu">Name, family, model.</param>
/// <param name="Processors">How many this process may use.</param>
/// <param name="Threads">The numbers of threads that were measured.</param>
/// <param name="Blas">Kind and version.</param>
/// <param name="BlasCore">Which kernels the BLAS picked.</param>
/// <param name="Pins">Variables of the environment that decide which kernels it picks, NAME=VALUE.</param>
/// <param name="Libraries">Names and versions.</param>
/// <param name="Load">How many processes ran or waited in the minute before, where the system tells.</param>
/// <param name="Yardsticks">What the machine reached just before.</param>
/// <param name="Method">How the rows were timed.</param>
internal sealed record Header(
    string Command, string Date, string Cpu, int Processors, IReadOnlyList<int> Threads, string Blas, string BlasCore,
    IReadOnlyList<string> Pins, IReadOnlyList<string> Libraries, string Load, Yardsticks Yardsticks, string Method)
{
    private const string LoadFile = "/proc/loadavg";

    /// <summary>What is missing from the rows, and why; empty where nothing is.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    public static Header Gather(IReadOnlyList<int> threads, string method)
    {
        BlasInfo blas = Interop.Blas.Current;
        return new(
            string.Join(' ', Environment.GetCommandLineArgs().Skip(1)),
            DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture),
            Processor.Name, Environment.ProcessorCount, threads,
            $"{blas.Kind} {blas.Version}", blas.Core, blas.EnvironmentPins,
            [$"HybridCnn {typeof(Tensor).Assembly.GetName().Version?.ToString(3)}", $".NET {Environment.Version}", Torch.Version, OnnxRuntime.Version],
            File.Exists(LoadFile) ? File.ReadAllText(LoadFile).Split(' ')[0] : "not told", Yardsticks.Measure(threads), method);
    }

    public IEnumerable<string> Lines() =>
    [
        $"command: {Command}",
        $"date: {Date}",
        $"cpu: {Cpu}, {Processors} processor(s) for this process",
        $"blas: {Blas}, core {BlasCore}",
        $"pins: {(Pins.Count == 0 ? "none" : string.Join(", ", Pins))}",
        $"libraries: {string.Join(", ", Libraries)}",
        $"load: {Load} process(es) at the start",
        $"yardsticks: {Yardsticks}",
        $"method: {Method}",
        .. Missing.Select(line => $"incomplete: {line}"),
    ];

    public void Print(IAnsiConsole console)
    {
        foreach (string line in Lines())
            console.WriteLine(line);
        if (Pins.Count > 0)
            console.MarkupLineInterpolated($"[yellow]OpenBLAS is pinned by {string.Join(", ", Pins)}: these are not its best figures. Unset it to compare.[/]");
    }
}
