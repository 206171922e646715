using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>N steps, a file, fresh objects, N steps = 2N steps, bit for bit.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const int Batch = 16, Images = 112, PerEpoch = Images / Batch;

    private static readonly ImageDataset s_images = SyntheticDigits.Generate(1, Images, 10).Train;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // In the middle of an epoch, behind its last batch, and in the middle of the second.
    [Theory]
    [InlineData(4, true)]
    [InlineData(4, false)]
    [InlineData(PerEpoch, true)]
    [InlineData(PerEpoch + 3, true)]
    public void Half_and_half_is_the_whole(int half, bool prefetch)
    {
        string middle = _folder["middle.safetensors"], end = _folder["end.safetensors"], whole = _folder["whole.safetensors"];
        using ComputeContext context = new(2);
        Train(context, prefetch, null, half, middle);
        Train(context, prefetch, middle, half, end);
        Train(context, prefetch, null, 2 * half, whole);
        Assert.NotEqual(File.ReadAllBytes(middle), File.ReadAllBytes(whole));
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(end));
        Assert.Equal("as it was", Checkpoint.Describe(end).Notes["note"]);
    }

    [Fact]
    public void Masks_of_dropout_are_part_of_it()
    {
        string path = _folder["a"];
        using ComputeContext context = new(1);
        Train(context, prefetch: false, null, 3, path);
        Trainer trainer = Create(context, seed: 2);
        Checkpoint.Load(path, trainer);
        Dropout dropout = trainer.Network.Children.Select(child => child.Layer).OfType<Dropout>().Single();
        Assert.Equal(3UL, dropout.Step);
        Assert.NotEqual(((Dropout)Create(context, seed: 2).Network.Children[^2].Layer).Seed, dropout.Seed);
    }

    [Fact]
    public void A_checkpoint_serves_as_weights_and_weights_do_not_serve_as_a_checkpoint()
    {
        string path = _folder["a"], plain = _folder["b"];
        using ComputeContext context = new(1);
        Train(context, prefetch: false, null, 1, path);
        Trainer trainer = Create(context, seed: 2);
        Weights.Load(path, trainer.Network.NamedState);
        SafeTensors.Write(plain, trainer.Network.NamedState.Select(named => (named.Name, named.Parameter.Value)));
        Assert.Contains("is no checkpoint", Assert.Throws<DataFormatException>(() => Checkpoint.Describe(plain)).Message);
    }

    [Fact]
    public void Weights_go_through_npz_and_what_fits_goes_into_a_network_of_other_classes()
    {
        string path = _folder["a.npz"];
        using ComputeContext context = new(1);
        Network first = Create(context, seed: 1).Network, second = Create(context, seed: 2).Network, other = Create(context, seed: 3, classes: 11).Network;
        Weights.SaveNpz(path, first.NamedState);
        Weights.Load(path, second.NamedState);
        Assert.All(first.NamedState.Zip(second.NamedState), pair => Assert.Equal(pair.First.Parameter.Value.Span, pair.Second.Parameter.Value.Span));
        float[] head = other.NamedState.Single(named => named.Name == "6.weight").Parameter.Value.Span.ToArray();
        string[] troubles = ["6.weight is F32 [10, 288], the network has F32 [11, 288]", "6.bias is F32 [10], the network has F32 [11]"];
        Assert.Equal($"{path} holds the weights of another network: {string.Join("; ", troubles)}.", Assert.Throws<DataFormatException>(() => Weights.Load(path, other.NamedState)).Message);
        Assert.False(first.NamedState[0].Parameter.Value.Span.SequenceEqual(other.NamedState[0].Parameter.Value.Span));
        Assert.Equal(troubles, Weights.LoadFitting(path, other.NamedState));
        Assert.Equal(first.NamedState[0].Parameter.Value.Span, other.NamedState[0].Parameter.Value.Span);
        Assert.Equal(head, other.NamedState.Single(named => named.Name == "6.weight").Parameter.Value.Span);
    }

    [Fact]
    public void Another_training_is_refused_with_every_name_and_changes_nothing()
    {
        string path = _folder["a"], before = _folder["b"], after = _folder["c"];
        using ComputeContext context = new(1);
        Train(context, prefetch: false, null, 1, path);
        Trainer other = Create(context, seed: 2, classes: 11, adam: false);
        Checkpoint.Save(before, other, default);
        string message = Assert.Throws<DataFormatException>(() => Checkpoint.Load(path, other)).Message;
        foreach (string part in new[] { "weight F32 [10, 288] is here [11, 288]", "training/optimizer.velocity.0 [8, 1, 5, 5] is missing", "training/optimizer.mean.0 is not in this training" })
            Assert.Contains(part, message);
        Checkpoint.Save(after, other, default);
        Assert.Equal(File.ReadAllBytes(before), File.ReadAllBytes(after));
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        string path = _folder["a"];
        using ComputeContext context = new(1);
        Train(context, prefetch: false, null, 1, path);
        byte[] content = File.ReadAllBytes(path);
        foreach (int length in new[] { 0, 7, 100, content.Length / 2, content.Length - 1 })
            Assert.Throws<DataFormatException>(() => Checkpoint.Describe(_folder.Write("cut", content[..length])));
    }

    [Fact]
    public void A_bit_that_flips_anywhere_is_noticed_in_checkpoints_and_weights()
    {
        string path = _folder["a"], weights = _folder["w"], flipped = _folder["flipped"];
        using ComputeContext context = new(1);
        Train(context, prefetch: false, null, 1, path);
        Network network = Create(context, seed: 2).Network;
        Weights.Save(weights, network.NamedState, new("lenet", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], new Shape(1, 28, 28), [0], [1], "digits"));
        Weights.Load(weights, network.NamedState);
        var random = new SeededRandom(11);
        foreach (string file in new[] { path, weights })
        {
            byte[] content = File.ReadAllBytes(file);
            int header = 8 + (int)BitConverter.ToInt64(content), digits = content.AsSpan().IndexOf("\"sha256\":\""u8) + 10;
            // The checksum itself, the last number, the last digit of the header's shapes, and anywhere among the numbers.
            foreach (int at in new[] { digits, digits + 63, content.Length - 1, header - 12 }.Concat(Enumerable.Range(0, 20).Select(_ => header + random.NextInt(content.Length - header))))
            {
                byte[] damaged = [.. content];
                damaged[at] ^= (byte)(1 << random.NextInt(3));
                File.WriteAllBytes(flipped, damaged);
                Action read = file == path ? () => Checkpoint.Load(flipped, Create(context, seed: 1)) : () => Weights.Load(flipped, network.NamedState);
                Assert.True(Record.Exception(read) is DataFormatException, $"a flipped bit of byte {at} of {content.Length} went unnoticed");
            }
        }

        string message = Assert.Throws<DataFormatException>(() => Checkpoint.Describe(Flipped(path))).Message;
        Assert.StartsWith($"{_folder["last"]} is damaged: its SHA-256 is ", message);

        string Flipped(string file)
        {
            byte[] content = File.ReadAllBytes(file);
            content[^1] ^= 1;
            return _folder.Write("last", content);
        }
    }

    [Fact]
    public void Saving_again_leaves_little_for_the_garbage_collector_however_long_the_notes()
    {
        using ComputeContext context = new(1);
        Trainer trainer = Create(context, seed: 1);
        byte[] note = new byte[1 << 20];
        note.AsSpan().Fill((byte)'"');
        var notes = new Dictionary<string, ReadOnlyMemory<byte>> { ["note"] = note };
        // The first ones rent what stays.
        for (int i = 0; i < 3; i++)
            Checkpoint.Save(_folder["a"], trainer, default, null, notes);
        // A collection may also take back what is rented.
        Assert.InRange(Allocations.OfThisThread(() => Checkpoint.Save(_folder["a"], trainer, default, null, notes)), 0, 200_000);
        Assert.Equal(new string('"', note.Length), Checkpoint.Describe(_folder["a"]).Notes["note"]);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_leaves_the_old_one()
    {
        string path = _folder["a"];
        using ComputeContext context = new(1);
        Train(context, prefetch: false, null, 1, path);
        byte[] content = File.ReadAllBytes(path);
        // The target is a folder: the rename fails after everything was written.
        Directory.CreateDirectory(_folder["dir"]);
        Assert.StartsWith($"Can't write {_folder["dir"]}: ", Assert.Throws<IOException>(() => Checkpoint.Save(_folder["dir"], Create(context, 1), default)).Message);
        Assert.Equal(content, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    private static void Train(ComputeContext context, bool prefetch, string? from, int steps, string to)
    {
        // Another seed where all is restored: nothing may come from the fresh objects.
        Trainer trainer = Create(context, from is null ? 1UL : 99);
        var loader = new BatchLoader(s_images, Batch, new SeededRandom(from is null ? 5UL : 98), new Augmentation { CropPadding = 2, Rotation = 10, Mixup = 0.2f });
        if (from is not null)
            loader.Seek(Checkpoint.Load(from, trainer).Position);
        using PrefetchedBatches? ahead = prefetch ? new PrefetchedBatches(loader, 3) : null;
        BatchSource source = ahead is null ? loader : ahead;
        for (int left = steps; left > 0;)
        {
            using var stop = new CancellationTokenSource();
            trainer.TrainEpoch(source, _ =>
            {
                if (--left == 0)
                    stop.Cancel();
            }, stop.Token);
        }

        Checkpoint.Save(to, trainer, source.Position, description: null, new Dictionary<string, string> { ["note"] = "as it was" });
    }

    private static Trainer Create(ComputeContext context, ulong seed, int classes = 10, bool adam = true)
    {
        var random = new SeededRandom(seed);
        var network = new Sequential(
            new Conv2d(1, 8, 5, stride: 2, random: random), new BatchNorm2d(8), new ReLU(), new MaxPool2d(2), new Flatten(), new Dropout(0.3, random), new Linear(288, classes, random: random));
        Optimizer optimizer = adam ? new Adam(network.Parameters, 0.002f) : new Sgd(network.Parameters, 0.02f, 0.9f);
        return new Trainer(network, new SoftmaxCrossEntropy(0.1f), optimizer, context, new Shape(Batch, 1, 28, 28))
        {
            Schedule = new WarmUpSchedule(new CosineSchedule(0.002, 40), 3),
            Clipping = new GradientClipping(network.Parameters, norm: 1),
            Average = new WeightAverage(network, 0.95f),
        };
    }
}
