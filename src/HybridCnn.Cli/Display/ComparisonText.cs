using System.Text.Json;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Display;

/// <summary>A comparison of runs as a table of text, or as one line of JSON.</summary>
internal static class ComparisonText
{
    public static void Write(TextWriter output, RunComparison comparison, string file)
    {
        var table = new TextTable("run", "status", ">epochs", ">best", ">at", ">last", ">last loss", ">images/s", ">seconds");
        foreach (RecordedRun run in comparison.Runs)
        {
            string[] figures = run is { Best: { } best, Last: { } last }
                ? [$"{best.TestAccuracy * 100:0.00} %", $"{best.Epoch}", $"{last.TestAccuracy * 100:0.00} %", RunText.Loss(last.TestLoss)]
                : ["–", "–", "–", "–"];
            table.Add([run.Name, run.StatusInWords, $"{run.Epochs.Count}", .. figures, $"{run.ImagesPerSecond:#,0}", $"{run.TrainSeconds:0.0}"]);
        }

        table.Write();
        output.WriteLine();
        foreach (ComparedSetting setting in comparison.Settings.Concat(comparison.Machine).Where(setting => setting.Differs))
            output.WriteLine($"{setting.Name}: {string.Join(" | ", setting.Values.Select(value => value ?? "–"))}");
        output.WriteLine($"report: {file}");
    }

    public static void WriteJson(TextWriter output, RunComparison comparison, string file) => JsonLines.Write(output, json =>
    {
        json.WriteString("event", "report");
        json.WriteString("file", file);
        json.WriteStartArray("runs");
        foreach (RecordedRun run in comparison.Runs)
            WriteRun(json, run);
        json.WriteEndArray();
        WriteDifferences(json, "settings_that_differ", comparison.Settings);
        WriteDifferences(json, "machine_that_differs", comparison.Machine);
    });

    private static void WriteRun(Utf8JsonWriter json, RecordedRun run)
    {
        json.WriteStartObject();
        json.WriteString("name", run.Name);
        json.WriteString("folder", run.Folder);
        json.WriteString("status", run.Status);
        json.WriteNumber("breaks", run.Breaks);
        json.WriteNumber("epochs", run.Epochs.Count);
        if (run is { Best: { } best, Last: { } last })
        {
            json.WriteNumber("best_test_accuracy", best.TestAccuracy);
            json.WriteNumber("best_epoch", best.Epoch);
            json.WriteNumber("last_test_accuracy", last.TestAccuracy);
            json.WriteNumber("last_test_loss", last.TestLoss);
            json.WriteNumber("data_wait", run.DataWait);
        }

        json.WriteNumber("images_per_second", run.ImagesPerSecond);
        json.WriteNumber("train_seconds", run.TrainSeconds);
        if (run.PeakResidentBytes is { } bytes)
            json.WriteNumber("peak_resident_bytes", bytes);
        json.WriteEndObject();
    }

    // {"momentum": ["0.9", "0.5"]}, in the order of the runs.
    private static void WriteDifferences(Utf8JsonWriter json, string name, IEnumerable<ComparedSetting> settings)
    {
        json.WriteStartObject(name);
        foreach (ComparedSetting setting in settings.Where(setting => setting.Differs))
        {
            json.WriteStartArray(setting.Name.Replace(' ', '_'));
            foreach (string? value in setting.Values)
                json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
