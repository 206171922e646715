using System.Text.Json;
using HybridCnn.Cli.Diagnosis;
using HybridCnn.Compute;
using HybridCnn.IO;
using Spectre.Console;

namespace HybridCnn.Cli.Display;

/// <summary>An examination as a table for people, or as one line of JSON.</summary>
internal static class ExaminationText
{
    public static void Write(Examination e)
    {
        if (Console.IsOutputRedirected)
        {
            // Whole lines, however long: a program or a bug report reads them.
            foreach (var (name, value) in Rows(e))
                Console.WriteLine($"{name,-18}{value}");
        }
        else
        {
            var table = new Table().Border(TableBorder.None).HideHeaders().AddColumn(new TableColumn("").NoWrap()).AddColumn("");
            foreach (var (name, value) in Rows(e))
                table.AddRow($"[blue]{name.EscapeMarkup()}[/]", value.EscapeMarkup());
            AnsiConsole.Write(table);
        }

        Console.WriteLine();
        foreach (Finding finding in e.Findings)
            Console.WriteLine($"{(finding.IsFailure ? "problem" : "advice")}: {finding.Text}");
        if (e.Findings.Count == 0)
            Console.WriteLine("All is well.");
    }

    public static void WriteJson(Examination e) => JsonLines.Write(Console.Out, json =>
    {
        json.WriteString("event", "doctor");
        json.WriteBoolean("ok", !e.Findings.Any(finding => finding.IsFailure));
        json.WriteString("processor", Processor.Name);
        WriteStrings(json, "features", ProcessorFeatures.Names);
        json.WriteNumber("vector_bits", ProcessorFeatures.VectorBits);
        if (e.Machine is { } machine)
        {
            json.WriteNumber("processors", machine.Processors);
            json.WriteString("operating_system", machine.OperatingSystem);
            json.WriteString("dotnet", machine.DotNet);
            json.WriteString("hybridcnn", machine.HybridCnn);
            json.WriteNumber("threads", machine.Threads);
            json.WriteString("threads_reason", machine.ThreadsReason);
        }

        if (e.Blas is { } blas)
        {
            json.WriteStartObject("blas");
            json.WriteString("kind", blas.Kind);
            json.WriteString("name", blas.Name);
            json.WriteString("path", blas.Path);
            json.WriteString("version", blas.Version);
            json.WriteString("core", blas.Core);
            json.WriteString("config", blas.Config);
            json.WriteString("parallel", blas.Parallel);
            json.WriteString("threading", blas.Threading);
            json.WriteNumber("max_threads", blas.MaxThreads);
            WriteStrings(json, "pins", blas.EnvironmentPins);
            WriteStrings(json, "looked_at", blas.Trace);
            json.WriteEndObject();
        }

        if (e.SelfTest is { } test)
        {
            json.WriteStartObject("self_test");
            json.WriteNumber("threads", test.Threads);
            json.WriteNumber("products", test.Products);
            json.WriteNumber("mismatches", test.Mismatches);
            json.WriteString("first_mismatch", test.FirstMismatch);
            json.WriteEndObject();
        }

        if (e.GflopsOneThread is { } one && e.GflopsAllThreads is { } all)
        {
            json.WriteNumber("gflops_one_thread", Math.Round(one, 1));
            json.WriteNumber("gflops_all_threads", Math.Round(all, 1));
        }

        if (e.Unpinned is { } unpinned)
        {
            json.WriteString("unpinned_core", unpinned.Core);
            json.WriteNumber("unpinned_gflops_one_thread", unpinned.GflopsOneThread);
        }

        json.WriteStartObject("tuning_cache");
        json.WriteString("path", TuningFile.DefaultPath);
        if (e.TunedPasses is { } passes)
            json.WriteNumber("passes", passes);
        json.WriteEndObject();

        WriteStrings(json, "problems", e.Findings.Where(finding => finding.IsFailure).Select(finding => finding.Text));
        WriteStrings(json, "advice", e.Findings.Where(finding => !finding.IsFailure).Select(finding => finding.Text));
    });

    private static IEnumerable<(string Name, string Value)> Rows(Examination e)
    {
        yield return ("processor", Processor.Name);
        yield return ("features", $"{string.Join(", ", ProcessorFeatures.Names)}; .NET uses {ProcessorFeatures.VectorBits}-bit vectors");
        if (e.Machine is { } machine)
        {
            yield return ("system", $"{machine.OperatingSystem}, .NET {machine.DotNet}, HybridCnn {machine.HybridCnn}");
            yield return ("threads", machine.ThreadsReason);
        }

        if (e.Blas is { Kind: not "portable" } blas)
        {
            yield return ("blas", blas.ToString());
            if (blas.IsOpenBlas)
                yield return ("  built as", $"{blas.Config}; {blas.Parallel}, for up to {blas.MaxThreads} callers");
            yield return ("  threading", $"held to one thread by {blas.Threading}; ours call it");
            yield return ("  library", blas.Path);
            if (blas.IsOpenBlas)
                yield return ("  pins", blas.EnvironmentPins.Count == 0 ? "none" : string.Join(", ", blas.EnvironmentPins));
        }
        else if (e.Blas is { } portable)
        {
            yield return ("blas", portable.ToString());
        }

        foreach (string line in e.Blas?.Trace ?? [])
            yield return ("  looked at", line);
        if (e.SelfTest is { } test)
            yield return ("self-test", $"{test.Products:#,0} products on {test.Threads} threads at once, plain and transposed: {test.Mismatches} wrong");
        if (e.GflopsOneThread is { } one && e.GflopsAllThreads is { } all)
            yield return ("SGEMM", $"{one:0.0} GFLOP/s on 1 thread, {all:0.0} on {e.Machine!.Threads} (M = N = K = 1024)");
        if (e.Unpinned is { } unpinned)
            yield return ("  without pins", $"{unpinned.GflopsOneThread:0.0} GFLOP/s on 1 thread, {unpinned.Core} kernels");
        if (e.TunedPasses is { } passes)
            yield return ("tuning cache", $"{TuningFile.DefaultPath}, {passes} measured passes");
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
