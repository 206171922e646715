using System.Diagnostics;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.TensorBoard;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>The epochs of a run: learning rate by schedule, figures for files and display, an end when asked or when the loss is lost.</summary>
internal sealed class TrainLoop(
    TrainSettings settings, Network network, BatchSource loader, Evaluator evaluator, ComputeContext context, RunDisplay display, RunFolder folder)
{
    public const string Completed = "completed", Interrupted = "interrupted", Diverged = "diverged";

    private const int CurvePointsPerEpoch = 25;

    private readonly Optimizer _optimizer = settings.Recipe.CreateOptimizer(network);
    private readonly WeightAverage? _average = settings.Recipe.CreateAverage(network);
    private readonly List<EpochMetrics> _epochs = [];
    private readonly List<CurvePoint> _curve = [];
    private readonly BatchMeans _forCurve = new(), _forDisplay = new();
    private string _status = Completed;
    private long _images, _epochStarted;
    private double _seconds;
    private TimeSpan _lastProgress, _lastPoint;

    public IReadOnlyList<EpochMetrics> Epochs => _epochs;

    public IReadOnlyList<CurvePoint> Curve => _curve;

    /// <summary>Gets every point of the curve and every epoch; null where TensorBoard is not asked for.</summary>
    public EventFile? Events { get; init; }

    /// <summary>The test images with the weights as they are, or their averages; null after a divergence.</summary>
    public Evaluation? Evaluation { get; private set; }

    private long TotalSteps => (long)loader.BatchesPerEpoch * settings.Epochs;

    public RunResult Result(double totalSeconds) => new(
        _status, Evaluation?.Accuracy, Evaluation?.Loss, _images, _seconds, totalSeconds, _seconds > 0 ? _images / _seconds : 0);

    /// <summary>Runs the epochs. The network ends up with the averages, where weights are averaged.</summary>
    public void Run(CancellationToken cancellation)
    {
        var trainer = new Trainer(network, settings.Recipe.CreateLoss(), _optimizer, context, loader.BatchShape)
        {
            Schedule = settings.Recipe.CreateSchedule(loader.BatchesPerEpoch, settings.Epochs),
            Clipping = settings.Recipe.CreateClipping(network),
            Average = _average,
        };
        for (int epoch = 1; epoch <= settings.Epochs && _status == Completed; epoch++)
        {
            display.RunEpoch(epoch, () => RunEpoch(trainer, cancellation));
            if (_status != Diverged)
                display.EpochDone(_epochs[^1]);
        }

        _average?.Exchange();
    }

    private void RunEpoch(Trainer trainer, CancellationToken cancellation)
    {
        _epochStarted = Stopwatch.GetTimestamp();
        _lastProgress = _lastPoint = TimeSpan.Zero;
        EpochResult result;
        try
        {
            result = trainer.TrainEpoch(loader, StepDone, cancellation);
        }
        catch (DivergedException)
        {
            _seconds += Stopwatch.GetElapsedTime(_epochStarted).TotalSeconds;
            _status = Diverged;
            Evaluation = null;
            return;
        }

        if (cancellation.IsCancellationRequested)
            _status = Interrupted;
        double seconds = result.Elapsed.TotalSeconds;
        _seconds += seconds;
        _average?.Exchange();
        Evaluation = evaluator.Run();
        _average?.Exchange();
        trainer.Schedule!.Observe(Evaluation.Loss);
        _epochs.Add(new(result.Epoch, result.Count, _optimizer.LearningRate, result.Loss, result.Accuracy, Evaluation.Loss, Evaluation.Accuracy, result.Count / seconds, seconds, result.DataWait.TotalSeconds / Math.Max(seconds, 1e-9))
        {
            PeakResidentBytes = ProcessMemory.PeakResident(),
        });
        folder.Add(_epochs[^1]);
        Events?.Add(_epochs[^1]);
    }

    private void StepDone(StepResult step)
    {
        _images += step.Count;
        _forCurve.Add(step);
        _forDisplay.Add(step);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_epochStarted);
        int perEpoch = loader.BatchesPerEpoch;
        long inEpoch = (step.Step - 1) % perEpoch + 1;
        // Points lie in the middle of the batches they stand for.
        if (_forCurve.Batches >= Math.Max(1, perEpoch / CurvePointsPerEpoch) || inEpoch == perEpoch)
        {
            double seconds = Math.Max((elapsed - _lastPoint).TotalSeconds, 1e-9);
            _lastPoint = elapsed;
            _curve.Add(new(
                (step.Step - _forCurve.Batches / 2.0) / perEpoch, _forCurve.Loss, _forCurve.Accuracy, _optimizer.LearningRate, _forCurve.Images / seconds, _forCurve.DataWait.TotalSeconds / seconds));
            Events?.Add(step.Step, _curve[^1]);
            _forCurve.Clear();
        }

        if (display.ProgressInterval is not { } interval || elapsed - _lastProgress < interval)
            return;
        _lastProgress = elapsed;
        double rate = inEpoch * step.Count / elapsed.TotalSeconds;
        TimeSpan remaining = TimeSpan.FromSeconds((TotalSteps - step.Step) * step.Count / rate);
        display.Progress(new(step.Epoch, (double)inEpoch / perEpoch, _forDisplay.Loss, _forDisplay.Accuracy, rate, remaining));
        _forDisplay.Clear();
    }

    private sealed class BatchMeans
    {
        private double _loss;
        private int _correct;

        public int Batches { get; private set; }

        public int Images { get; private set; }

        public TimeSpan DataWait { get; private set; }

        public double Loss => _loss / Batches;

        public double Accuracy => (double)_correct / Images;

        public void Add(StepResult step)
        {
            _loss += step.Loss;
            _correct += step.Correct;
            Images += step.Count;
            DataWait += step.DataWait;
            Batches++;
        }

        public void Clear() => (_loss, _correct, Images, Batches, DataWait) = (0, 0, 0, 0, TimeSpan.Zero);
    }
}
