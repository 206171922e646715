using System.Buffers;
using System.Text;
using System.Text.Json;
using HybridCnn.IO;

namespace HybridCnn.Cli.Runs;

/// <summary>The files of one run. A folder is used once: nothing is ever overwritten but by the run itself.</summary>
internal sealed class RunFolder
{
    // Whole files, as they are written anew after every epoch.
    private readonly ArrayBufferWriter<byte> _csv = new(), _jsonLines = new();

    private RunFolder(string path)
    {
        Path = path;
        _csv.Write("epoch,images,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,images_per_second,seconds,data_wait,peak_resident_bytes\n"u8);
    }

    public string Path { get; }

    public CheckpointFolder Checkpoints => new(Path);

    public string Weights => File("weights.safetensors");

    public string Report => File("report.html");

    /// <summary>Makes the folder that <paramref name="asked"/> names, or one named after the time, the model and the data.</summary>
    public static RunFolder Create(string? asked, string model, string data, DateTimeOffset started)
    {
        string path = asked ?? Unused(System.IO.Path.Combine("runs", $"{started:yyyyMMdd-HHmmss}-{model}-{data}"));
        if (System.IO.File.Exists(path) || (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) != RunLock.Name)))
        {
            throw UserErrorException.BadUsage(
                $"--out {path}: exists already, and a run never overwrites another.", "Name a new folder, or leave --out away for one named after date and time.");
        }

        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(ExitCode.Data, $"The run folder {path} cannot be made: {e.Message}", "Name a folder that you may write to with --out.", e);
        }

        return new RunFolder(path);
    }

    /// <summary>Whether a folder holds a run.</summary>
    public static bool IsRun(string path) => System.IO.File.Exists(System.IO.Path.Combine(path, "run.json"));

    /// <summary>The folder of a run that goes on there.</summary>
    public static RunFolder Continue(string path) => new(path);

    /// <summary>Begins the metrics with the epochs of a checkpoint; rows from behind it go, as these epochs are trained once more.</summary>
    public void Restore(IReadOnlyList<EpochMetrics> epochs)
    {
        foreach (EpochMetrics epoch in epochs)
            Append(epoch);
        WriteMetrics();
    }

    public void WriteRun(RunRecord run) => WriteText("run.json", JsonSerializer.Serialize(run, RunJson.Readable.RunRecord) + "\n");

    /// <summary>Adds an epoch to both metrics files; they are whole on the disk when this returns.</summary>
    public void Add(EpochMetrics epoch)
    {
        Append(epoch);
        WriteMetrics();
    }

    public void WriteReport(string html) => WriteText("report.html", html);

    private void Append(EpochMetrics e)
    {
        Write(_csv, $"{e.Epoch},{e.Images},{e.LearningRate:R},{e.TrainLoss:R},{e.TrainAccuracy:R},{e.TestLoss:R},{e.TestAccuracy:R},{e.ImagesPerSecond:0.0},{e.Seconds:0.000},{e.DataWait:0.0000},{e.PeakResidentBytes}\n");
        Write(_jsonLines, JsonSerializer.Serialize(e, RunJson.Lines.EpochMetrics) + "\n");

        static void Write(ArrayBufferWriter<byte> file, string line) => file.Write(Encoding.UTF8.GetBytes(line));
    }

    private void WriteMetrics()
    {
        AtomicFile.Write(File("metrics.csv"), stream => stream.Write(_csv.WrittenSpan));
        AtomicFile.Write(File("metrics.jsonl"), stream => stream.Write(_jsonLines.WrittenSpan));
    }

    private void WriteText(string name, string text) => AtomicFile.Write(File(name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private string File(string name) => System.IO.Path.Combine(Path, name);

    // Two runs started in one second are told apart by a number.
    private static string Unused(string path)
    {
        string free = path;
        for (int number = 2; Directory.Exists(free); number++)
            free = $"{path}-{number}";
        return free;
    }
}
