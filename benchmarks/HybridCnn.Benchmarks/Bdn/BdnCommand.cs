using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using HybridCnn.Benchmarks.Machine;
using Perfolizer.Horology;
using Spectre.Console;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>`bdn`: BenchmarkDotNet over the kernels and operators. What it doesn't know itself it hands on: --filter, --list and so on.</summary>
internal static class BdnCommand
{
    public static Command Create()
    {
        var problems = new Option<string?>("--problems")
        {
            Description = "Convolutions to measure in place of the usual ones: problem strings with commas between, or a file with one a line.",
        };
        var threads = new Option<int>("--threads") { Description = "Threads of the whole-batch passes.", DefaultValueFactory = _ => 1 };
        var command = new Command("bdn", "Times kernels and operators with BenchmarkDotNet; further options are BenchmarkDotNet's (--filter '*Sgemm*', --list flat).")
        {
            problems, threads,
        };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed =>
        {
            if (ProblemList.Read(parsed.GetValue(problems)) is { Count: > 0 } chosen)
                Problems.Convolutions = [.. chosen.Select(problem => problem.Dims)];
            Problems.Threads = parsed.GetValue(threads);
            Header.Gather([Problems.Threads], "BenchmarkDotNet in process, median of short iterations").Print(AnsiConsole.Console);
            BenchmarkSwitcher.FromAssembly(typeof(BdnCommand).Assembly).Run([.. parsed.UnmatchedTokens], Configuration());
            return 0;
        });
        return command;
    }

    // In process: a generated child project would copy the peer's half gigabyte of binaries for nothing. Short iterations:
    // the kernels take microseconds, and a class is to finish within a minute.
    private static ManualConfig Configuration() => ManualConfig.CreateEmpty()
        .AddJob(Job.Default
            .WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(10), logOutput: true))
            .WithLaunchCount(1).WithWarmupCount(3).WithIterationCount(9)
            .WithIterationTime(TimeInterval.FromMilliseconds(60)))
        .AddLogger(ConsoleLogger.Default)
        .AddExporter(MarkdownExporter.GitHub, JsonExporter.Brief)
        .AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params)
        .AddColumn(StatisticColumn.Median, StatisticColumn.Min, StatisticColumn.StdDev, new RateColumn(asShare: false), new RateColumn(asShare: true))
        .WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared))
        .WithSummaryStyle(BenchmarkDotNet.Reports.SummaryStyle.Default.WithMaxParameterColumnWidth(60));
}
