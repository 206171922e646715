using System.Diagnostics;
using System.Globalization;
using HybridCnn.Benchmarks.Versus;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Benchmarks.Learning;

/// <summary>One training on both sides: the same initial weights, the same varied batches in the same order, the same learning rates.</summary>
internal static class TrainingContest
{
    // Until rounding has grown: later both sides are trainings of their own.
    private const int CheckedSteps = 3;
    private const double Tolerance = 2e-3;

    /// <param name="plan">How.</param>
    /// <param name="train">What both sides learn.</param>
    /// <param name="test">What they are tested on after every epoch.</param>
    /// <param name="seed">Of the initial weights, and of the order and variations of the images.</param>
    /// <exception cref="ArgumentException">Images that the network was not written for on the peer's side.</exception>
    /// <exception cref="WrongResultException">The first losses differ.</exception>
    public static TrainingRow Run(TrainingPlan plan, ImageDataset train, ImageDataset test, ulong seed)
    {
        (Shape image, int classes) = ModelCatalog.UsualImages(plan.Network);
        var given = new Shape(train.Channels, train.Height, train.Width);
        if (given != image || train.ClassNames.Count != classes)
            throw new ArgumentException($"{plan.Network} is compared on images {image} of {classes} classes; those of {train.Name} are {given} of {train.ClassNames.Count}.");
        var seeds = new SeededRandom(seed);
        using var context = new ComputeContext(plan.Threads);
        Network network = ModelCatalog.Create(plan.Network, image[0], image[1], image[2], classes, seeds.NextBits());
        var loader = new BatchLoader(train, plan.Batch, new SeededRandom(seeds.NextBits()), TrainingPlan.Augmentation(train));
        Schedule schedule = plan.Schedule(loader.BatchesPerEpoch);
        var optimizer = new Sgd(network.Parameters, plan.HighestRate, TrainingPlan.Momentum, weightDecay: TrainingPlan.WeightDecay);
        var ours = new Trainer(network, new SoftmaxCrossEntropy(), optimizer, context, loader.BatchShape) { Schedule = schedule };
        using var peer = new TorchLearner(plan.Network, classes, network.NamedParameters.ToDictionary(named => named.Name, named => named.Parameter.Value.Span.ToArray()));
        var row = new TrainingRow(plan.Network, train.Name, seed, train.Count, test.Count);
        (Stopwatch ourTime, Stopwatch peerTime) = (new(), new());
        for (int epoch = 1; epoch <= plan.Epochs; epoch++)
        {
            double ourLoss = 0, peerLoss = 0;
            while (loader.NextBatch() is { } batch)
            {
                ourTime.Start();
                double mine = ours.Step(batch.Images, batch.Labels).Loss;
                ourTime.Stop();
                peerTime.Start();
                double theirs = peer.Step(batch, schedule.At(ours.Steps - 1));
                peerTime.Stop();
                if (ours.Steps <= CheckedSteps)
                    row.FirstLosses = Math.Max(row.FirstLosses, Difference(plan, mine, theirs));
                (ourLoss, peerLoss) = (ourLoss + mine, peerLoss + theirs);
            }

            int[] answers = [.. ours.Evaluate(test).Predictions], peerAnswers = peer.Predict(test, plan.Batch);
            row.Epochs.Add(new(
                ourLoss / loader.BatchesPerEpoch, peerLoss / loader.BatchesPerEpoch, Accuracy(answers, test), Accuracy(peerAnswers, test)));
            row.SameAnswers = (double)answers.Zip(peerAnswers).Count(pair => pair.First == pair.Second) / test.Count;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  seed {seed}, epoch {epoch}: {row.Epochs[^1]}"));
        }

        (row.OurSeconds, row.PeerSeconds) = (ourTime.Elapsed.TotalSeconds, peerTime.Elapsed.TotalSeconds);
        return row;
    }

    private static double Difference(TrainingPlan plan, double ours, double peers) => Math.Abs(ours - peers) / Math.Abs(peers) is var difference && difference <= Tolerance
        ? difference
        : throw new WrongResultException(FormattableString.Invariant($"{plan.Network}: not trained on, because losses of the first {CheckedSteps} steps differ: ours {ours}, the peer's {peers}."));

    private static double Accuracy(int[] answers, ImageDataset images) =>
        (double)Enumerable.Range(0, images.Count).Count(i => answers[i] == images.Label(i)) / images.Count;
}
