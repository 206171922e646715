using System.Diagnostics;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.TensorBoard;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>The epochs of a run: learning rate by schedule, figures for files and display, checkpoints, an end when asked or when the loss is lost.</summary>
internal sealed class TrainLoop(
    TrainSettings settings, Network network, BatchSource loader, Evaluator evaluator, ComputeContext context, RunDisplay display, RunFolder folder, RunProgress progress, Stopwatch clock)
{
    public const string Completed = "completed", Stopped = "stopped", Interrupted = "interrupted", Diverged = "diverged";

    private const int CurvePointsPerEpoch = 25;

    private readonly Optimizer _optimizer = settings.Recipe.CreateOptimizer(network);
    private readonly WeightAverage? _average = settings.Recipe.CreateAverage(network);
    private readonly BatchSums _forDisplay = new();
    private readonly double _secondsBefore = progress.TotalSeconds;

    // The training steps since progress.EpochSeconds was last set: saving and testing are no training.
    private readonly Stopwatch _steps = new();

    private string _status = Completed;
    private double _lastProgress;

    /// <summary>How long the layers take.</summary>
    public StepTimes Times { get; } = new(network, (long)loader.BatchesPerEpoch * settings.Epochs - progress.Step);

    /// <summary>Gets every point of the curve and every epoch; null where TensorBoard is not asked for.</summary>
    public EventFile? Events { get; init; }

    /// <summary>Saves the run now and then; null = never.</summary>
    public CheckpointWriter? Checkpoints { get; init; }

    /// <summary>The checkpoint that the run goes on from; null = the beginning.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>The test images with the weights as they are, or their averages; null after a divergence.</summary>
    public Evaluation? Evaluation { get; private set; }

    private long TotalSteps => (long)loader.BatchesPerEpoch * settings.Epochs;

    private double TotalSeconds => _secondsBefore + clock.Elapsed.TotalSeconds;

    private bool HasStopped => settings.EarlyStop > 0 && progress.EpochsWithoutBetter >= settings.EarlyStop;

    private double EpochSeconds => progress.EpochSeconds + _steps.Elapsed.TotalSeconds;

    public RunResult Result() => new(
        _status, Evaluation?.Accuracy, Evaluation?.Loss, progress.Images, progress.TrainSeconds, TotalSeconds, progress.TrainSeconds > 0 ? progress.Images / progress.TrainSeconds : 0)
    {
        Checkpoint = Checkpoints?.Last,
        BestEpoch = progress.Best?.Epoch,
        BestTestAccuracy = progress.Best?.TestAccuracy,
    };

    /// <summary>Runs the epochs that are left. The network ends up with the averages, where weights are averaged.</summary>
    public void Run(CancellationToken cancellation)
    {
        var trainer = new Trainer(network, settings.Recipe.CreateLoss(), _optimizer, context, loader.BatchShape)
        {
            Schedule = settings.Recipe.CreateSchedule(loader.BatchesPerEpoch, settings.Epochs),
            Clipping = settings.Recipe.CreateClipping(network),
            Average = _average,
        };
        if (ResumeFrom is not null)
            Checkpoint.Load(ResumeFrom, trainer);
        if (HasStopped)
            _status = Stopped;
        while (_status == Completed && trainer.Epoch <= settings.Epochs)
        {
            display.RunEpoch(trainer.Epoch, () => RunEpoch(trainer, cancellation));
            if (_status != Diverged)
                display.EpochDone(progress.Epochs[^1]);
        }

        _average?.Exchange();
        // A run that was ended between its last checkpoint and its last files has no epoch left.
        if (_status is Completed or Stopped)
            Evaluation ??= evaluator.Run();
    }

    private void RunEpoch(Trainer trainer, CancellationToken cancellation)
    {
        _steps.Restart();
        Times.Start();
        _lastProgress = EpochSeconds;
        EpochResult result;
        try
        {
            result = trainer.TrainEpoch(loader, step => StepDone(trainer, step), cancellation);
        }
        catch (DivergedException)
        {
            progress.EpochSeconds = EpochSeconds;
            _status = Diverged;
            Evaluation = null;
            return;
        }
        finally
        {
            Times.Pause();
        }

        progress.EpochSeconds = EpochSeconds;
        _steps.Reset();
        // Before the row of half an epoch: when the run goes on, that epoch becomes a whole one.
        if (!result.Completed)
            Save(trainer);
        _average?.Exchange();
        Evaluation = evaluator.Run();
        _average?.Exchange();
        BatchSums epoch = progress.Epoch;
        double seconds = progress.EpochSeconds;
        bool best = progress.Epochs.All(e => e.TestAccuracy < Evaluation.Accuracy);
        progress.Add(new EpochMetrics(
            result.Epoch, epoch.Images, progress.LearningRate, epoch.Loss, epoch.Accuracy, Evaluation.Loss, Evaluation.Accuracy, epoch.Images / seconds, seconds, epoch.WaitSeconds / Math.Max(seconds, 1e-9))
        {
            PeakResidentBytes = ProcessMemory.PeakResident(),
        });
        if (cancellation.IsCancellationRequested && (!result.Completed || trainer.Epoch <= settings.Epochs))
            _status = Interrupted;
        else if (result.Completed && trainer.Epoch <= settings.Epochs && HasStopped)
            _status = Stopped;
        if (result.Completed)
        {
            trainer.Schedule!.Observe(Evaluation.Loss);
            if (best)
                Checkpoints?.SaveBest(trainer, loader.Position, Now());
            if (Checkpoints?.IsDue(progress.Step, endOfEpoch: true) == true || _status != Completed || trainer.Epoch > settings.Epochs)
                Save(trainer);
        }

        folder.Add(progress.Epochs[^1]);
        Events?.Add(progress.Epochs[^1]);
    }

    private void StepDone(Trainer trainer, StepResult step)
    {
        (progress.Step, progress.LearningRate) = (step.Step, _optimizer.LearningRate);
        Times.StepDone();
        progress.Epoch.Add(step);
        progress.Point.Add(step);
        _forDisplay.Add(step);
        int perEpoch = loader.BatchesPerEpoch;
        long inEpoch = (step.Step - 1) % perEpoch + 1;
        if (progress.Point.Batches >= Math.Max(1, perEpoch / CurvePointsPerEpoch) || inEpoch == perEpoch)
            AddPoint((double)step.Step / perEpoch, (double)1 / perEpoch);
        if (inEpoch < perEpoch && Checkpoints?.IsDue(step.Step, endOfEpoch: false) == true)
            Save(trainer);
        if (display.ProgressInterval is not { } interval || EpochSeconds - _lastProgress < interval.TotalSeconds)
            return;
        _lastProgress = EpochSeconds;
        double rate = inEpoch * step.Count / EpochSeconds;
        TimeSpan remaining = TimeSpan.FromSeconds((TotalSteps - step.Step) * step.Count / rate);
        display.Progress(new(step.Epoch, (double)inEpoch / perEpoch, _forDisplay.Loss, _forDisplay.Accuracy, rate, remaining));
        _forDisplay.Clear();
    }

    // A point lies in the middle of the batches that it stands for.
    private void AddPoint(double epochs, double epochsPerBatch)
    {
        BatchSums sums = progress.Point;
        double now = EpochSeconds, seconds = Math.Max(now - progress.PointStarted, 1e-9);
        var point = new CurvePoint(
            epochs - sums.Batches / 2.0 * epochsPerBatch, sums.Loss, sums.Accuracy, progress.LearningRate, sums.Images / seconds, sums.WaitSeconds / seconds)
        { Batches = sums.Batches };
        progress.PointStarted = now;
        progress.Add(point);
        Events?.Add(progress.Step, point);
        sums.Clear();
    }

    private void Save(Trainer trainer) => Checkpoints?.Save(trainer, loader.Position, Now());

    // Up to this moment; what saving takes belongs to no step.
    private RunProgress Now()
    {
        bool training = _steps.IsRunning;
        (progress.EpochSeconds, progress.TotalSeconds) = (EpochSeconds, TotalSeconds);
        _steps.Reset();
        if (training)
            _steps.Start();
        return progress;
    }
}
