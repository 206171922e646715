using System.Buffers;
using System.Text.Json;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>Saves a run while it trains: all that it needs to go on, bit for bit, in one file at a time.</summary>
/// <param name="folder">Where.</param>
/// <param name="settings">When, and how many stay.</param>
/// <param name="description">How to run the network: a checkpoint serves as weights too.</param>
/// <param name="run">Settings, data and machine, for the check when it is resumed.</param>
internal sealed class CheckpointWriter(CheckpointFolder folder, CheckpointSettings settings, ModelDescription description, RunRecord run)
{
    private readonly byte[] _run = JsonSerializer.SerializeToUtf8Bytes(run, RunJson.Lines.RunRecord);

    // Written over at every save: a run may save itself thousands of times, and its memory is not to grow meanwhile.
    private readonly ArrayBufferWriter<byte> _progress = new();

    /// <summary>The latest checkpoint of this process, or the one that it was resumed from; null = none yet.</summary>
    public string? Last { get; set; }

    /// <inheritdoc cref="CheckpointSettings.IsDue"/>
    public bool IsDue(long step, bool endOfEpoch) => settings.IsDue(step, endOfEpoch);

    /// <summary>Saves a checkpoint under its step, and removes the oldest.</summary>
    /// <exception cref="UserErrorException">It cannot be written; those that were there are whole.</exception>
    public void Save(Trainer trainer, LoaderPosition position, RunProgress progress)
    {
        string path = folder.After(progress.Step);
        Write(path, trainer, position, progress);
        Last = path;
        folder.Keep(settings.Keep);
    }

    /// <summary>Saves the best checkpoint so far.</summary>
    /// <inheritdoc cref="Save"/>
    public void SaveBest(Trainer trainer, LoaderPosition position, RunProgress progress) => Write(folder.Best, trainer, position, progress);

    private void Write(string path, Trainer trainer, LoaderPosition position, RunProgress progress)
    {
        try
        {
            _progress.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_progress))
                JsonSerializer.Serialize(json, progress, RunJson.Lines.RunProgress);
            Checkpoint.Save(path, trainer, position, description, new Dictionary<string, ReadOnlyMemory<byte>>
            {
                [Resumption.RunNote] = _run,
                [Resumption.ProgressNote] = _progress.WrittenMemory,
            });
        }
        catch (IOException e)
        {
            throw UserErrorException.BadData(e.Message, Last is null
                ? "Make room on the disk, or name with --out a folder that you may write to."
                : $"Make room on the disk; {Last} is whole, and --resume goes on from there.", e);
        }
    }
}
