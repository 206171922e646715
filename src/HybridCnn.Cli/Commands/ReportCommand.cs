using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Reports;
using HybridCnn.Cli.Runs;
using HybridCnn.IO;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn report</c>.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var folders = new Argument<string[]>("runs") { Description = "Run folders, of this version or an older one.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = new("--out") { Description = "The page; one that is there is replaced.", HelpName = "file.html", DefaultValueFactory = _ => "comparison.html" };
        // A page must not take the place of a run's weights or metrics.
        output.Validators.Add(result =>
        {
            if (result.Tokens is [var file] && Path.GetExtension(file.Value) is not (".html" or ".htm"))
                result.AddError($"--out {file.Value}: expected a file whose name ends in .html.");
        });
        Option<bool> json = CommonOptions.Json();
        var command = new Command("report", "Compares runs on one page: curves, results, the settings that differ.") { folders, output, json };
        command.SetAction(parsed =>
        {
            var comparison = new RunComparison(RecordedRun.ReadAll(parsed.GetRequiredValue(folders)));
            string file = parsed.GetRequiredValue(output);
            byte[] page = System.Text.Encoding.UTF8.GetBytes(new ComparisonReport(comparison).Write());
            AtomicFile.Write(file, stream => stream.Write(page));
            if (parsed.GetValue(json))
                ComparisonText.WriteJson(Console.Out, comparison, file);
            else
                ComparisonText.Write(Console.Out, comparison, file);
            return ExitCode.Ok;
        });
        return command;
    }
}
