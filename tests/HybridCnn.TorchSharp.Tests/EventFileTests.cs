using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;

namespace HybridCnn.TorchSharp.Tests;

/// <summary>The files that `hybridcnn train --tensorboard` writes, read by TorchSharp's classes for TensorBoard's messages. They need no libtorch.</summary>
public sealed class EventFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hybridcnn-events-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_figure_of_an_epoch_is_there_under_its_name()
    {
        string run = Path.Combine(_folder, "run"), configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "HybridCnn.Cli", configuration, "HybridCnn.Cli.dll"));
        var start = new ProcessStartInfo("dotnet", [program, "train", "--limit", "64", "--batch", "32", "--epochs", "2", "--model", "lenet5", "--threads", "1", "--tensorboard", "--out", run])
        {
            RedirectStandardOutput = true,
        };
        using (Process process = Process.Start(start)!)
        {
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
        }

        Tensorboard.Event[] events = [.. Records(File.ReadAllBytes(Directory.GetFiles(run, "events.out.tfevents.*").Single())).Select(record => Tensorboard.Event.Parser.ParseFrom(record))];
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        string[][] table = [.. File.ReadLines(Path.Combine(run, "metrics.csv")).Select(line => line.Split(','))];
        foreach (string name in new[] { "train_loss", "test_loss", "test_accuracy", "learning_rate" })
        {
            var values = events.SelectMany(e => (e.Summary?.Value ?? []).Where(value => value.Tag == $"epoch/{name}").Select(value => (e.Step, value.SimpleValue)));
            var rows = table[1..].Select(row => (long.Parse(row[0], CultureInfo.InvariantCulture), (float)double.Parse(row[Array.IndexOf(table[0], name)], CultureInfo.InvariantCulture)));
            Assert.Equal(rows, values);
        }

        Assert.Equal([1L, 2, 3, 4], events.Where(e => e.Summary is { } summary && summary.Value.Any(value => value.Tag == "train/loss")).Select(e => e.Step));
    }

    // A length, its checksum, the message, its checksum.
    private static IEnumerable<byte[]> Records(byte[] file)
    {
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            yield return file[(at + 12)..(at + 12 + length)];
            at += 12 + length + 4;
        }
    }
}
