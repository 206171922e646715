using HybridCnn.Cli.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace HybridCnn.Cli.Display;

/// <summary>A table that grows by a line per epoch, and below it one line that moves while an epoch runs.</summary>
internal sealed class LiveDisplay : RunDisplay
{
    private readonly FiguresColumn _figures = new();
    private ProgressContext? _context;
    private ProgressTask? _task;

    public override TimeSpan? ProgressInterval => TimeSpan.FromMilliseconds(100);

    public override void Started(RunRecord run, RunFolder folder)
    {
        foreach ((string name, string value) in RunText.Head(run, folder))
            AnsiConsole.MarkupLineInterpolated($"[blue]{name,-10}[/]{value}");
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[grey]{RunText.TableHeader}[/]");
    }

    public override void RunEpoch(int epoch, Action body)
    {
        AnsiConsole.Progress()
            .AutoRefresh(false)
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = 16 }, _figures)
            .Start(context =>
            {
                _context = context;
                _task = context.AddTask($"epoch {epoch}", maxValue: 1);
                body();
            });
        _context = null;
    }

    public override void Progress(TrainProgress progress)
    {
        if (_context is null)
            return;
        _figures.Latest = progress;
        _task!.Value = progress.Share;
        _context.Refresh();
    }

    public override void EpochDone(EpochMetrics epoch) => AnsiConsole.WriteLine(RunText.TableRow(epoch));

    public override void Finished(RunRecord run, RunFolder folder)
    {
        AnsiConsole.WriteLine();
        string colour = run.Result!.Status switch { "completed" or "stopped" => "green", "interrupted" => "yellow", _ => "red" };
        AnsiConsole.MarkupLine($"[{colour}]{Markup.Escape(RunText.Outcome(run))}[/]");
        foreach ((string name, string value) in RunText.Files(run, folder))
            AnsiConsole.MarkupLineInterpolated($"[blue]{name,-10}[/]{value}");
    }

    private sealed class FiguresColumn : ProgressColumn
    {
        public TrainProgress Latest { get; set; }

        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(
            $"{Latest.Share * 100,3:0} %  loss {RunText.Loss(Latest.Loss)}, acc {Latest.Accuracy * 100:0.0} %, {Latest.ImagesPerSecond:#,0}/s, {Latest.Remaining:h\\:mm\\:ss} left");
    }
}
