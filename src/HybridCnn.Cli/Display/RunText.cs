using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Display;

/// <summary>The words and columns that the plain and the moving display have in common.</summary>
internal static class RunText
{
    public const string TableHeader = "epoch   train loss  accuracy   test loss  accuracy   images/s   seconds  data wait";

    public static string TableRow(EpochMetrics e) =>
        $"{e.Epoch,5}{Loss(e.TrainLoss),13}{e.TrainAccuracy * 100,8:0.00} %{Loss(e.TestLoss),12}{e.TestAccuracy * 100,8:0.00} %{e.ImagesPerSecond,11:#,0}{e.Seconds,10:0.0}{e.DataWait * 100,9:0.0} %";

    /// <summary>Four decimals, or powers of ten where the loss has run away.</summary>
    public static string Loss(double loss) => loss < 10_000 ? $"{loss:0.0000}" : $"{loss:0.0e+0}";

    /// <summary>Settings and machine, as name and value.</summary>
    public static IEnumerable<(string Name, string Value)> Head(RunRecord run, RunFolder folder)
    {
        (TrainSettings s, MachineInfo m, DataInfo d) = (run.Settings, run.Machine, run.Data);
        yield return ("data", $"{d.Name}: {d.TrainImages:#,0} training and {d.TestImages:#,0} test images, {d.Channels}x{d.Height}x{d.Width}, {d.ClassNames.Count} classes");
        yield return ("network", $"{s.Model}: {string.Join(", ", run.Network.Layers)}; {run.Network.Parameters:#,0} parameters");
        yield return ("training", $"{s.Epochs} epochs, batch {s.Batch}, {s.Recipe.LossInWords()}, {s.Recipe.OptimizerInWords()}, seed {s.Seed}, {s.Precision}{(s.Deterministic ? ", deterministic" : "")}{(s.Recompute ? ", activations inside blocks computed again" : "")}");
        yield return ("machine", $"{m.Processor}, {m.OperatingSystem}, .NET {m.DotNet}, HybridCnn {m.HybridCnn}");
        yield return ("threads", m.ThreadsReason);
        yield return ("blas", BlasLine(m));
        yield return ("folder", folder.Path);
        if (run.Resumes is [.., var resume])
            yield return ("resumed", $"after step {resume.Step:#,0}, from {resume.From}");
    }

    public static string BlasLine(MachineInfo m)
    {
        string core = m.BlasCore is null ? "" : $", {m.BlasCore} kernels";
        string pins = m.Pins.Count == 0 ? "" : $" (pinned: {string.Join(", ", m.Pins)})";
        return $"{m.Blas}{(m.BlasVersion is null ? "" : $" {m.BlasVersion}")}{core}{pins}";
    }

    public static string Outcome(RunRecord run)
    {
        RunResult result = run.Result!;
        string how = result.Status switch
        {
            "completed" => $"{run.Settings.Epochs} epochs",
            "stopped" => $"stopped, as {run.Settings.EarlyStop} epochs in a row were no better",
            "interrupted" => $"interrupted after {result.ImagesTrained:#,0} images",
            _ => $"diverged after {result.ImagesTrained:#,0} images: the loss is no longer a number",
        };
        string test = result.TestAccuracy is { } accuracy ? $"test accuracy {accuracy * 100:0.00} %, test loss {Loss(result.TestLoss!.Value)}; " : "";
        return $"{test}{how}, {result.TrainSeconds:0.0} s of training at {result.ImagesPerSecond:#,0} images/s, {result.TotalSeconds:0.0} s in all";
    }

    public static IEnumerable<(string Name, string Value)> Files(RunRecord run, RunFolder folder)
    {
        yield return ("report", folder.Report);
        if (run.Result!.TestAccuracy is not null)
            yield return ("weights", folder.Weights);
        if (run.Result is { BestEpoch: { } epoch, BestTestAccuracy: { } accuracy } && File.Exists(folder.Checkpoints.Best))
            yield return ("best", $"{folder.Checkpoints.Best}: epoch {epoch}, test accuracy {accuracy * 100:0.00} %");
        if (run.Result is { Status: TrainLoop.Interrupted, Checkpoint: not null })
            yield return ("go on", $"hybridcnn train --resume {TrainSettings.Quote(folder.Path)}");
    }
}
