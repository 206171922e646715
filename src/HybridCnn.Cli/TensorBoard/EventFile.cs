using Google.Protobuf;
using HybridCnn.Cli.Runs;
using HybridCnn.Cli.TensorBoard.Messages;

namespace HybridCnn.Cli.TensorBoard;

/// <summary>
/// A file of events for TensorBoard. It grows while training runs; whoever reads it meanwhile sees whole records, and at worst
/// the beginning of one.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private readonly FileStream _stream;

    private EventFile(FileStream stream) => _stream = stream;

    /// <summary>Opens a new file, under the name by which TensorBoard finds it.</summary>
    /// <param name="folder">The run's.</param>
    /// <param name="resumedAfter">The step that the run goes on from: what its earlier file has behind it, TensorBoard then leaves out. Null = the beginning.</param>
    public static EventFile Create(string folder, long? resumedAfter = null)
    {
        double now = Now();
        string path = Path.Combine(folder, $"events.out.tfevents.{(long)now}.{Environment.MachineName}.{Environment.ProcessId}.0");
        var file = new EventFile(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
        file.Write(new Event { WallTime = now, FileVersion = "brain.Event:2" });
        if (resumedAfter is { } step)
            file.Write(new Event { WallTime = now, Step = step + 1, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });
        return file;
    }

    /// <summary>Adds what the training batches up to a step measured, under that step.</summary>
    public void Add(long step, CurvePoint point) => Write(
        step,
        ("train/loss", point.Loss),
        ("train/accuracy", point.Accuracy),
        ("train/learning_rate", point.LearningRate),
        ("train/images_per_second", point.ImagesPerSecond),
        ("train/data_wait", point.DataWait));

    /// <summary>Adds the figures of an epoch, under its number.</summary>
    public void Add(EpochMetrics epoch)
    {
        Write(
            epoch.Epoch,
            ("epoch/train_loss", epoch.TrainLoss),
            ("epoch/train_accuracy", epoch.TrainAccuracy),
            ("epoch/test_loss", epoch.TestLoss),
            ("epoch/test_accuracy", epoch.TestAccuracy),
            ("epoch/learning_rate", epoch.LearningRate),
            ("epoch/images_per_second", epoch.ImagesPerSecond),
            ("epoch/data_wait", epoch.DataWait));
        if (epoch.PeakResidentBytes is { } bytes)
            Write(epoch.Epoch, ("epoch/peak_resident_bytes", bytes));
    }

    public void Dispose() => _stream.Dispose();

    private void Write(long step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        var summary = new Summary();
        foreach ((string tag, double value) in scalars)
            summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Write(new Event { WallTime = Now(), Step = step, Summary = summary });
    }

    private void Write(Event e) => RecordWriter.Write(_stream, e.ToByteArray());

    private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
}
