using System.Buffers.Binary;
using System.Text;

namespace HybridCnn.Tests.Cli;

/// <summary>
/// Reads an event file with code of its own: framing and checksum as TensorFlow's record_reader has them, and the messages by
/// protobuf's wire format, so that a wrong field number or a wrong type is noticed.
/// </summary>
public sealed class TensorBoardTests(TensorBoardTests.Run run) : IClassFixture<TensorBoardTests.Run>
{
    [Fact]
    public void The_checksum_of_this_reader_is_that_of_the_standard() => Assert.Equal(0xE3069283, Crc32C("123456789"u8));

    [Fact]
    public void The_file_begins_with_its_version_and_has_a_scalar_of_every_kind_per_epoch()
    {
        List<Event> events = Read();
        Assert.Equal("brain.Event:2", events[0].Version);
        Assert.All(events.Skip(1), e => Assert.Null(e.Version));
        string[] lines = File.ReadAllLines(Path.Combine(run.Folder, "metrics.csv"));
        string[] names = lines[0].Split(',');
        foreach (string name in new[] { "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "images_per_second", "data_wait", "peak_resident_bytes" })
        {
            (long Step, float Value)[] scalars = [.. Scalars(events, $"epoch/{name}")];
            Assert.Equal([1L, 2L], scalars.Select(s => s.Step));
            for (int epoch = 0; epoch < 2; epoch++)
            {
                double expected = double.Parse(lines[epoch + 1].Split(',')[Array.IndexOf(names, name)]);
                Assert.InRange(scalars[epoch].Value, expected * 0.999 - 1e-4, expected * 1.001 + 1e-4);
            }
        }
    }

    [Fact]
    public void Training_scalars_follow_the_steps_and_average_to_the_epochs()
    {
        List<Event> events = Read();
        // 10 steps an epoch, each a point of its own.
        foreach (string name in new[] { "loss", "accuracy", "learning_rate", "images_per_second", "data_wait" })
            Assert.Equal(Enumerable.Range(1, 20).Select(step => (long)step), Scalars(events, $"train/{name}").Select(s => s.Step));
        foreach (string name in new[] { "loss", "accuracy" })
        {
            float[] epochs = [.. Scalars(events, $"epoch/train_{name}").Select(s => s.Value)];
            float[] steps = [.. Scalars(events, $"train/{name}").Select(s => s.Value)];
            Assert.Equal(epochs[0], steps[..10].Average(), 1e-4);
            Assert.Equal(epochs[1], steps[10..].Average(), 1e-4);
        }

        // Cosine: from the whole rate towards nothing.
        float[] rates = [.. Scalars(events, "train/learning_rate").Select(s => s.Value)];
        Assert.Equal(0.02f, rates[0], 1e-6f);
        Assert.Equal(rates.OrderDescending(), rates);
        Assert.All(Scalars(events, "train/data_wait"), s => Assert.InRange(s.Value, 0, 1));
        Assert.All(Scalars(events, "train/images_per_second"), s => Assert.True(s.Value > 0, $"step {s.Step}: {s.Value}"));
        Assert.All(events, e => Assert.InRange(e.WallTime, run.Started, run.Ended));
    }

    [Fact]
    public void Writing_events_changes_no_bit_of_the_weights()
    {
        string folder = Path.Combine(run.Home, "plain");
        Assert.Equal(0, CliProcess.Run(["train", .. TrainedRun.Settings, "--out", folder]).ExitCode);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "weights.safetensors")), File.ReadAllBytes(Path.Combine(run.Folder, "weights.safetensors")));
        Assert.Empty(Directory.GetFiles(folder, "*tfevents*"));
    }

    private static IEnumerable<(long Step, float Value)> Scalars(IEnumerable<Event> events, string tag) =>
        events.SelectMany(e => e.Scalars.Where(s => s.Tag == tag).Select(s => (e.Step, s.Value)));

    private List<Event> Read()
    {
        byte[] file = File.ReadAllBytes(Directory.GetFiles(run.Folder, "events.out.tfevents.*").Single());
        var events = new List<Event>();
        for (int at = 0; at < file.Length;)
        {
            ReadOnlySpan<byte> length = file.AsSpan(at, 8);
            int count = (int)BinaryPrimitives.ReadUInt64LittleEndian(length);
            Assert.Equal(Masked(Crc32C(length)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            ReadOnlySpan<byte> data = file.AsSpan(at + 12, count);
            Assert.Equal(Masked(Crc32C(data)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + count)));
            events.Add(Event.Parse(data));
            at += 12 + count + 4;
        }

        return events;
    }

    private static uint Masked(uint checksum) => ((checksum >> 15) | (checksum << 17)) + 0xA282EAD8;

    // Castagnoli's polynomial, bit by bit (RFC 3720, appendix B.4).
    private static uint Crc32C(ReadOnlySpan<byte> data)
    {
        uint checksum = 0xFFFFFFFF;
        foreach (byte b in data)
        {
            checksum ^= b;
            for (int bit = 0; bit < 8; bit++)
                checksum = (checksum & 1) != 0 ? (checksum >> 1) ^ 0x82F63B78 : checksum >> 1;
        }

        return ~checksum;
    }

    private sealed record Event(double WallTime, long Step, string? Version, List<(string Tag, float Value)> Scalars)
    {
        // tensorflow.Event: 1 double wall_time, 2 int64 step, 3 string file_version, 5 Summary; Summary: 1 Value; Value: 1 string tag, 2 float simple_value.
        public static Event Parse(ReadOnlySpan<byte> data)
        {
            var result = new Event(0, 0, null, []);
            while (!data.IsEmpty)
            {
                switch (Number(ref data))
                {
                    case 1 << 3 | 1:
                        result = result with { WallTime = BinaryPrimitives.ReadDoubleLittleEndian(Take(ref data, 8)) };
                        break;
                    case 2 << 3:
                        result = result with { Step = (long)Number(ref data) };
                        break;
                    case 3 << 3 | 2:
                        result = result with { Version = Encoding.UTF8.GetString(Block(ref data)) };
                        break;
                    case 5 << 3 | 2:
                        ReadOnlySpan<byte> summary = Block(ref data);
                        while (!summary.IsEmpty)
                        {
                            Assert.Equal(1u << 3 | 2, Number(ref summary));
                            ReadOnlySpan<byte> value = Block(ref summary);
                            Assert.Equal(1u << 3 | 2, Number(ref value));
                            string tag = Encoding.UTF8.GetString(Block(ref value));
                            Assert.Equal(2u << 3 | 5, Number(ref value));
                            result.Scalars.Add((tag, BinaryPrimitives.ReadSingleLittleEndian(Take(ref value, 4))));
                            Assert.True(value.IsEmpty);
                        }

                        break;
                    case var other:
                        Assert.Fail($"field {other >> 3} of wire type {other & 7} is unknown");
                        break;
                }
            }

            return result;
        }

        private static ulong Number(ref ReadOnlySpan<byte> data)
        {
            ulong number = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = Take(ref data, 1)[0];
                number |= (ulong)(b & 127) << shift;
                if (b < 128)
                    return number;
            }
        }

        private static ReadOnlySpan<byte> Block(ref ReadOnlySpan<byte> data) => Take(ref data, (int)Number(ref data));

        private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> data, int count)
        {
            ReadOnlySpan<byte> taken = data[..count];
            data = data[count..];
            return taken;
        }
    }

    /// <summary>A short training with events.</summary>
    public sealed class Run : IDisposable
    {
        public Run()
        {
            Started = Now();
            CliResult result = CliProcess.Run(["train", .. TrainedRun.Settings, "--tensorboard", "--out", Folder]);
            Assert.True(result.ExitCode == 0, result.Error);
            Ended = Now();
        }

        public string Home { get; } = Directory.CreateTempSubdirectory("hybridcnn-events-").FullName;

        public string Folder => Path.Combine(Home, "run");

        public double Started { get; }

        public double Ended { get; }

        public void Dispose() => Directory.Delete(Home, recursive: true);

        private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
    }
}
