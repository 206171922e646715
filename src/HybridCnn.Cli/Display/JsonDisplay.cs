using System.Text.Json;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Display;

/// <summary>One JSON object per line: "start", one "epoch" each, "end".</summary>
internal sealed class JsonDisplay(TextWriter output) : RunDisplay
{
    public override TimeSpan? ProgressInterval => null;

    public override void Started(RunRecord run, RunFolder folder) => Write("start", run, folder);

    public override void Progress(TrainProgress progress)
    {
    }

    public override void EpochDone(EpochMetrics epoch) => JsonLines.Write(output, json =>
    {
        json.WriteString("event", "epoch");
        foreach (JsonProperty field in JsonSerializer.SerializeToElement(epoch, RunJson.Lines.EpochMetrics).EnumerateObject())
            field.WriteTo(json);
    });

    public override void Finished(RunRecord run, RunFolder folder) => Write("end", run, folder);

    private void Write(string name, RunRecord run, RunFolder folder) => JsonLines.Write(output, json =>
    {
        json.WriteString("event", name);
        json.WriteString("folder", folder.Path);
        foreach (JsonProperty field in JsonSerializer.SerializeToElement(run, RunJson.Lines.RunRecord).EnumerateObject())
        {
            // The end repeats nothing of the start but the run's identity.
            if (name == "start" ? field.Name != "result" : field.Name is "started" or "result")
                field.WriteTo(json);
        }
    });
}
