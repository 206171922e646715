using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

public class MixupTests
{
    [Fact]
    public void A_mixed_step_goes_down_the_gradient_of_the_mixed_target()
    {
        const int batch = 8, classes = 4;
        const float rate = 0.02f;
        using var context = new ComputeContext(1);
        Trainer trainer = TrainerTests.Create("lenet5", context), oracle = TrainerTests.Create("lenet5", context);
        var loader = new BatchLoader(TrainerTests.Blobs(batch), batch, new SeededRandom(3), new Augmentation { Mixup = 1 });
        LoaderPosition start = loader.Position;
        EpochResult result = trainer.TrainEpoch(loader);
        Assert.Equal(1, trainer.Steps);

        // The same batch once more, its loss and gradient from the target's definition in double.
        loader.Seek(start);
        Batch mixed = loader.NextBatch()!;
        Assert.InRange(mixed.Lambda, 0.01f, 0.99f);
        Tensor logits = new(new Shape(batch, classes)), gradient = new(logits.Shape);
        oracle.Network.Forward(mixed.Images, logits, context);
        double loss = 0;
        for (int n = 0; n < batch; n++)
        {
            double sum = Enumerable.Range(0, classes).Sum(k => Math.Exp(logits.Item(n)[k]));
            for (int k = 0; k < classes; k++)
            {
                double p = Math.Exp(logits.Item(n)[k]) / sum;
                double target = (mixed.Labels[n] == k ? mixed.Lambda : 0) + (mixed.MixedLabels[n] == k ? 1.0 - mixed.Lambda : 0);
                loss -= target * Math.Log(p) / batch;
                gradient.Item(n)[k] = (float)((p - target) / batch);
            }
        }

        Assert.Equal(loss, result.Loss, 1e-5);
        foreach (Parameter parameter in oracle.Network.Parameters)
            parameter.Gradient.Span.Clear();
        oracle.Network.Backward(mixed.Images, logits, gradient, null, context);
        foreach ((Parameter got, Parameter expected) in trainer.Network.Parameters.Zip(oracle.Network.Parameters))
        {
            for (int i = 0; i < got.Value.Span.Length; i++)
                Assert.Equal(expected.Value.Span[i] - rate * expected.Gradient.Span[i], got.Value.Span[i], 1e-6f);
        }
    }

    [Fact]
    public void Mixed_training_learns_and_a_resumed_loader_goes_on_with_the_same_bits()
    {
        using var context = new ComputeContext(2);
        Trainer trainer = TrainerTests.Create("lenet5", context), again = TrainerTests.Create("lenet5", context);
        var augmentation = new Augmentation { CropPadding = 1, Mixup = 0.3f };
        using (var ahead = new PrefetchedBatches(new BatchLoader(TrainerTests.Blobs(64), 8, new SeededRandom(3), augmentation)))
        {
            for (int epoch = 0; epoch < 6; epoch++)
                trainer.TrainEpoch(ahead);
        }

        // The same in two halves, by another loader each.
        var loader = new BatchLoader(TrainerTests.Blobs(64), 8, new SeededRandom(3), augmentation);
        using var stop = new CancellationTokenSource();
        for (int epoch = 0; epoch < 3; epoch++)
            again.TrainEpoch(loader);
        again.TrainEpoch(loader, _ => stop.Cancel(), stop.Token);
        var second = new BatchLoader(TrainerTests.Blobs(64), 8, new SeededRandom(77), augmentation);
        second.Seek(loader.Position);
        for (int epoch = 0; epoch < 3; epoch++)
            again.TrainEpoch(second);
        Assert.Equal(trainer.Steps, again.Steps);
        foreach ((Parameter one, Parameter other) in trainer.Network.Parameters.Zip(again.Network.Parameters))
            Assert.True(one.Value.Span.SequenceEqual(other.Value.Span));
        Assert.True(trainer.Evaluate(TrainerTests.Blobs(64)).Accuracy > 0.9);
    }
}
