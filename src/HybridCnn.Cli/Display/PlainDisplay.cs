using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Display;

/// <summary>Lines that never move, for pipes, logs and CI.</summary>
internal sealed class PlainDisplay(TextWriter output) : RunDisplay
{
    // Often enough to show that a long epoch is alive, seldom enough for a log.
    public override TimeSpan? ProgressInterval => TimeSpan.FromSeconds(30);

    public override void Started(RunRecord run, RunFolder folder)
    {
        foreach ((string name, string value) in RunText.Head(run, folder))
            output.WriteLine($"{name,-10}{value}");
        output.WriteLine();
        output.WriteLine(RunText.TableHeader);
    }

    public override void Progress(TrainProgress p) =>
        output.WriteLine($"{p.Epoch,5}{RunText.Loss(p.Loss),13}{p.Accuracy * 100,8:0.00} %   {p.Share * 100:0} % of the epoch, {p.ImagesPerSecond:#,0} images/s, {p.Remaining:h\\:mm\\:ss} to go");

    public override void EpochDone(EpochMetrics epoch) => output.WriteLine(RunText.TableRow(epoch));

    public override void Finished(RunRecord run, RunFolder folder)
    {
        output.WriteLine();
        output.WriteLine(RunText.Outcome(run));
        foreach ((string name, string value) in RunText.Files(run, folder))
            output.WriteLine($"{name,-10}{value}");
    }
}
