using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

public class TrainerTests
{
    private static readonly Shape s_batch = new(8, 1, 28, 28);

    [Theory]
    [InlineData("lenet", 1)]
    [InlineData("lenet", 2)]
    [InlineData("lenet", 3)]
    [InlineData("lenet5", 1)]
    [InlineData("lenet5", 2)]
    [InlineData("vgg-cifar", 2)]
    public void Twenty_steps_have_the_same_bits_again(string model, int threads)
    {
        Assert.Equal(Train(), Train());

        float[] Train()
        {
            using var context = new ComputeContext(threads);
            Trainer trainer = Create(model, context);
            var loader = new BatchLoader(Blobs(200), s_batch[0], new SeededRandom(3));
            var losses = new List<float>();
            trainer.TrainEpoch(loader, step => losses.Add(step.Loss));
            Assert.Equal(25, losses.Count);
            return [.. losses, .. trainer.Network.Parameters.SelectMany(parameter => parameter.Value.Span.ToArray())];
        }
    }

    [Theory]
    [InlineData("lenet")]
    [InlineData("lenet5")]
    [InlineData("vgg-cifar")]
    public void Learns_what_can_be_learned(string model)
    {
        using var context = new ComputeContext(2);
        ImageDataset data = Blobs(200);
        Trainer trainer = Create(model, context);
        var loader = new BatchLoader(data, s_batch[0], new SeededRandom(3));
        EvaluationResult before = trainer.Evaluate(data);
        for (int epoch = 0; epoch < 3; epoch++)
            trainer.TrainEpoch(loader);
        EvaluationResult after = trainer.Evaluate(data);
        Assert.InRange(before.Accuracy, 0, 0.6);
        Assert.InRange(after.Accuracy, 0.95, 1);
        Assert.True(after.Loss < before.Loss / 2);
    }

    [Fact]
    public void Hooks_run_in_order()
    {
        using var context = new ComputeContext(1);
        Trainer trainer = Create("lenet5", context);
        var events = new List<string>();
        trainer.GradientsReady = layer => events.Add($"gradients {layer}");
        trainer.StepDone = step => events.Add($"step {step.Step} of epoch {step.Epoch}");
        trainer.EpochDone = epoch => events.Add($"epoch {epoch.Epoch}: {epoch.Count} images, {epoch.Completed}");
        EpochResult result = trainer.TrainEpoch(new BatchLoader(Blobs(17), 8, new SeededRandom(1)), step => events.Add($"own {step.Step}"));
        string[] gradients = [.. Enumerable.Range(0, 12).Reverse().Select(layer => $"gradients {layer}")];
        Assert.Equal([.. gradients, "step 1 of epoch 1", "own 1", .. gradients, "step 2 of epoch 1", "own 2", "epoch 1: 16 images, True"], events);
        Assert.Equal((2, 2L), (trainer.Epoch, trainer.Steps));
        Assert.Equal((double)result.Correct / 16, result.Accuracy);
    }

    [Fact]
    public void Cancelling_ends_the_epoch_after_the_step_and_the_next_call_goes_on()
    {
        using var context = new ComputeContext(1);
        Trainer trainer = Create("lenet5", context);
        var loader = new BatchLoader(Blobs(40), 8, new SeededRandom(1));
        using var cancellation = new CancellationTokenSource();
        EpochResult first = trainer.TrainEpoch(loader, step =>
        {
            if (step.Step == 2)
                cancellation.Cancel();
        }, cancellation.Token);
        Assert.Equal((1, 16, false), (first.Epoch, first.Count, first.Completed));
        EpochResult rest = trainer.TrainEpoch(loader);
        Assert.Equal((1, 24, true), (rest.Epoch, rest.Count, rest.Completed));
        Assert.Equal(2, trainer.Epoch);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Divergence_names_epoch_and_step_and_leaves_the_weights(float bad)
    {
        using var context = new ComputeContext(1);
        Trainer trainer = Create("lenet5", context);
        Tensor images = new(s_batch);
        int[] labels = new int[8];
        trainer.Step(images, labels);
        trainer.Network.Parameters[^1].Value.Span[0] = bad;
        float[][] weights = [.. trainer.Network.Parameters.Select(parameter => parameter.Value.Span.ToArray())];
        DivergedException diverged = Assert.Throws<DivergedException>(() => trainer.Step(images, labels));
        Assert.Equal((1, 2L), (diverged.Epoch, diverged.Step));
        Assert.Contains("epoch 1, step 2", diverged.Message, StringComparison.Ordinal);
        Assert.False(float.IsFinite(diverged.Loss));
        Assert.Equal(weights, trainer.Network.Parameters.Select(parameter => parameter.Value.Span.ToArray()));
    }

    [Fact]
    public void Evaluation_counts_every_image_once()
    {
        using var context = new ComputeContext(2);
        ImageDataset data = Blobs(21);
        Trainer trainer = Create("lenet5", context);
        EvaluationResult result = trainer.Evaluate(data);
        Assert.Equal((21, 21, 21), (result.Count, result.ImageLosses.Length, result.Predictions.Length));
        var confusion = new int[4, 4];
        for (int i = 0; i < data.Count; i++)
            confusion[data.Label(i), result.Predictions[i]]++;
        Assert.Equal(confusion, result.Confusion);
        Assert.Equal(confusion[0, 0] + confusion[1, 1] + confusion[2, 2] + confusion[3, 3], result.Correct);
        Assert.Equal(result.ImageLosses.ToArray().Average(), result.Loss, 1e-6);

        // One image at a time gives the same losses.
        using var alone = new ComputeContext(1);
        Trainer single = Create("lenet5", alone, new Shape(1, 1, 28, 28));
        EvaluationResult again = single.Evaluate(data);
        for (int i = 0; i < data.Count; i++)
            Assert.Equal(again.ImageLosses[i], result.ImageLosses[i], 1e-4f);
        Assert.Equal(again.Predictions, result.Predictions);

        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Equal(8, trainer.Evaluate(data, cancellation: cancelled.Token).Count);
    }

    [Fact]
    public void Says_what_does_not_fit()
    {
        using var context = new ComputeContext(1);
        Network network = ModelCatalog.Create("lenet5", 1, 28, 28, 4, 1);
        var loss = new SoftmaxCrossEntropy();
        var sgd = new Sgd(network.Parameters, 0.1f);
        Refused("network", () => _ = new Trainer(null!, loss, sgd, context, s_batch));
        Refused("loss", () => _ = new Trainer(network, null!, sgd, context, s_batch));
        Refused("optimizer", () => _ = new Trainer(network, loss, null!, context, s_batch));
        Refused("context", () => _ = new Trainer(network, loss, sgd, null!, s_batch));
        Refused("optimizer", () => _ = new Trainer(network, loss, new Sgd(new Linear(1, 1).Parameters, 1), context, s_batch));
        Refused("input", () => _ = new Trainer(network, loss, sgd, context, new Shape(8, 3, 28, 28)));
        var images = new Sequential(new Conv2d(1, 1, 3));
        Refused("network", () => _ = new Trainer(images, loss, new Sgd(images.Parameters, 1), context, s_batch));

        var trainer = new Trainer(network, loss, sgd, context, s_batch);
        Refused("images", () => trainer.Step(null!, (ReadOnlySpan<int>)new int[8]));
        Refused("images", () => trainer.Step(new Tensor(new Shape(4, 1, 28, 28)), new int[4]));
        Refused("labels", () => trainer.Step(new Tensor(s_batch), new int[7]));
        Refused("labels", () => trainer.Step(new Tensor(s_batch), [0, 1, 2, 3, 4, 0, 0, 0]));
        Refused("loader", () => trainer.TrainEpoch(null!));
        Refused("loader", () => trainer.TrainEpoch(new BatchLoader(Blobs(20), 4, new SeededRandom(1))));
        Refused("loader", () => trainer.TrainEpoch(new BatchLoader(Blobs(4), 8, null)));
        Refused("data", () => trainer.Evaluate(null!));
        Refused("data", () => trainer.Evaluate(Blobs(20, size: 20)));
        Refused("labels", () => trainer.Evaluate(Blobs(20, classes: 6)));
    }

    internal static Trainer Create(string model, ComputeContext context, Shape? batch = null)
    {
        Network network = ModelCatalog.Create(model, 1, 28, 28, 4, seed: 1);
        return new Trainer(network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, 0.02f, 0.9f), context, batch ?? s_batch);
    }

    /// <summary>Noise with one bright corner: the corner is the class.</summary>
    internal static ImageDataset Blobs(int count, int size = 28, int classes = 4)
    {
        var random = new SeededRandom(2);
        var pixels = new byte[count * size * size];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = i % classes;
            for (int p = 0; p < size * size; p++)
            {
                int row = p / size, column = p % size;
                bool bright = labels[i] < 4 && (row < size / 2 ? 0 : 2) + (column < size / 2 ? 0 : 1) == labels[i];
                pixels[i * size * size + p] = (byte)(random.NextInt(120) + (bright ? 80 : 0));
            }
        }

        return new ImageDataset("blobs", pixels, labels, 1, size, size, [.. Enumerable.Range(0, classes).Select(c => $"class {c}")]);
    }

    private static void Refused(string argument, Action call) =>
        Assert.Equal(argument, Assert.ThrowsAny<ArgumentException>(call).ParamName);
}
