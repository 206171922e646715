using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>A trainer with schedules, targets, mixed images, averages and clipping.</summary>
public class TrainerPartsTests
{
    private static readonly Shape s_batch = new(8, 1, 28, 28);

    [Fact]
    public void Sets_the_learning_rate_by_step_or_by_epoch_and_takes_targets()
    {
        using var context = new ComputeContext(1);
        Network network = ModelCatalog.Create("lenet5", 1, 28, 28, 4, seed: 1);
        var sgd = new Sgd(network.Parameters, 9);
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), sgd, context, s_batch) { Schedule = new PolynomialSchedule(0.01, 10) };
        var rates = new List<float>();
        trainer.StepDone = _ => rates.Add(sgd.LearningRate);
        trainer.TrainEpoch(new BatchLoader(TrainerTests.Blobs(24), 8, new SeededRandom(3)));
        Assert.Equal([0.01f, 0.009f, 0.008f], rates);
        trainer.Schedule = new StepSchedule(0.01, 1, 0.5) { ByEpoch = true };
        trainer.TrainEpoch(new BatchLoader(TrainerTests.Blobs(16), 8, new SeededRandom(3)));
        Assert.Equal([0.005f, 0.005f], rates[3..]);

        var target = new Tensor(new Shape(8, 4));
        for (int n = 0; n < 8; n++)
            (target.Item(n)[0], target.Item(n)[1]) = (0.75f, 0.25f);
        trainer.Schedule = null;
        sgd.LearningRate = 0.1f;
        float first = trainer.Step(new Tensor(s_batch), target).Loss;
        StepResult last = default;
        for (int step = 0; step < 100; step++)
            last = trainer.Step(new Tensor(s_batch), target);
        Assert.Equal(8, last.Correct);
        // No answer is better than the shares themselves.
        double entropy = -0.75 * Math.Log(0.75) - 0.25 * Math.Log(0.25);
        Assert.InRange(last.Loss, entropy - 1e-5, entropy + 0.01);
        Assert.True(first > last.Loss + 0.1);
    }

    [Theory]
    [MemberData(nameof(TrainingParts.LossNames), MemberType = typeof(TrainingParts))]
    public void Learns_with_every_loss(string loss)
    {
        using var context = new ComputeContext(2);
        ImageDataset data = TrainerTests.Blobs(200);
        Network network = ModelCatalog.Create("lenet5", 1, 28, 28, 4, seed: 1);
        var trainer = new Trainer(network, TrainingParts.CreateLoss(loss), new Adam(network.Parameters, 0.002f), context, s_batch);
        var loader = new BatchLoader(data, s_batch[0], new SeededRandom(3));
        for (int epoch = 0; epoch < 4; epoch++)
            trainer.TrainEpoch(loader);
        // One loss ignores the fourth class.
        Assert.InRange(trainer.Evaluate(data).Accuracy, loss.Contains("weighted") ? 0.7 : 0.95, 1);
    }

    [Fact]
    public void Mixed_images_count_for_both_of_their_labels()
    {
        using var context = new ComputeContext(1);
        ImageDataset data = TrainerTests.Blobs(64);
        Trainer mixed = TrainerTests.Create("lenet5", context), byHand = TrainerTests.Create("lenet5", context);
        BatchLoader Loader() => new(data, 8, new SeededRandom(3), new Augmentation { Mixup = 1 });
        var losses = new List<float>();
        mixed.TrainEpoch(Loader(), step => losses.Add(step.Loss));
        BatchLoader again = Loader();
        var batch = new Batch(s_batch);
        int anyMixed = 0;
        for (int step = 0; again.Next(batch); step++)
        {
            var target = new Tensor(new Shape(8, 4));
            for (int n = 0; n < 8; n++)
            {
                target.Item(n)[batch.Labels[n]] += batch.Lambda;
                target.Item(n)[batch.MixedLabels[n]] += 1 - batch.Lambda;
            }

            anyMixed += batch.IsMixed ? 1 : 0;
            // The definition: both labels' losses by their shares.
            Tensor logits = new(target.Shape), unused = new(target.Shape);
            byHand.Network.Forward(batch.Images, logits, context);
            var loss = new SoftmaxCrossEntropy();
            float expected = batch.Lambda * loss.Forward(logits, batch.Labels, unused) + (1 - batch.Lambda) * loss.Forward(logits, batch.MixedLabels, unused);
            Assert.Equal(expected, losses[step], 1e-5f);
            byHand.Step(batch.Images, target);
        }

        Assert.InRange(anyMixed, 1, 8);
    }

    [Fact]
    public void Evaluates_with_averages_and_puts_the_weights_back()
    {
        using var context = new ComputeContext(2);
        ImageDataset data = TrainerTests.Blobs(40);
        Trainer trainer = TrainerTests.Create("vgg-cifar", context);
        Assert.Throws<InvalidOperationException>(() => trainer.Evaluate(data, averaged: true));
        trainer.Average = new WeightAverage(trainer.Network, 0, warmUp: false);
        double start = trainer.Evaluate(data).Loss;
        Assert.Equal(start, trainer.Evaluate(data, averaged: true).Loss);
        trainer.TrainEpoch(new BatchLoader(data, 8, new SeededRandom(3)));
        // An average that keeps nothing is the weights.
        Assert.Equal(trainer.Evaluate(data).Loss, trainer.Evaluate(data, averaged: true).Loss, 1e-6);
        trainer.Average = new WeightAverage(trainer.Network, 0.999f, warmUp: false);
        double averaged = trainer.Evaluate(data, averaged: true).Loss;
        trainer.TrainEpoch(new BatchLoader(data, 8, new SeededRandom(4)));
        double after = trainer.Evaluate(data).Loss;
        Assert.Equal(averaged, trainer.Evaluate(data, averaged: true).Loss, 0.05);
        Assert.NotEqual(averaged, after, 0.05);
        Assert.Equal(after, trainer.Evaluate(data).Loss);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_ends_the_training_before_the_weights_change()
    {
        using var context = new ComputeContext(1);
        var network = new Sequential(new Flatten(), new Linear(28 * 28, 2));
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, 0.1f), context, new Shape(1, 1, 28, 28))
        {
            Clipping = new GradientClipping(network.Parameters, 1),
        };
        network.Parameters[0].Value.Span.Clear();
        var images = new Tensor(new Shape(1, 1, 28, 28));
        images.Span.Fill(1e25f);
        DivergedException diverged = Assert.Throws<DivergedException>(() => trainer.Step(images, [0]));
        Assert.Contains("the norm of the gradient is", diverged.Message);
        Assert.True(float.IsFinite(diverged.Loss) && !double.IsFinite(diverged.Norm));
        Assert.All(network.Parameters[0].Value.Span.ToArray(), value => Assert.Equal(0, value));
    }
}
