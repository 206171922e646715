using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// Handwritten-like digits, 28 x 28, drawn on the spot: several ways to write each digit as strokes of a pen, with random
/// slant, size, place, thickness, elastic distortion and noise. The data set that is always there.
/// </summary>
public static class SyntheticDigits
{
    private const int Classes = 10;

    /// <summary>Draws a training and a test set. Equal arguments give equal bytes, on any machine and any number of threads.</summary>
    /// <param name="seed">Another seed gives other images of the same kind.</param>
    /// <param name="train">Number of training images; each digit equally often, as far as it divides.</param>
    /// <param name="test">Number of test images. They don't depend on <paramref name="train"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number below 1, or more than one buffer holds.</exception>
    public static (ImageDataset Train, ImageDataset Test) Generate(ulong seed = 1, int train = 12000, int test = 2000)
    {
        using var workers = new WorkerPool(ThreadCount.Default.Count);
        return Generate(seed, train, test, workers);
    }

    internal static (ImageDataset Train, ImageDataset Test) Generate(ulong seed, int train, int test, WorkerPool workers)
    {
        const int most = int.MaxValue / (DigitPainter.Side * DigitPainter.Side);
        ArgumentOutOfRangeException.ThrowIfLessThan(train, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(test, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(train, most);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(test, most);
        var root = new SeededRandom(seed);
        ulong trainSeed = root.NextBits(), testSeed = root.NextBits();
        ImageDataset trainSet = Paint(trainSeed, train, workers, normalization: null);
        return (trainSet, Paint(testSeed, test, workers, trainSet.Normalization));
    }

    private static ImageDataset Paint(ulong seed, int count, WorkerPool workers, Normalization? normalization)
    {
        var random = new SeededRandom(seed);
        var job = new Job(new int[count], new ulong[count], new byte[count * DigitPainter.Side * DigitPainter.Side]);
        for (int i = 0; i < count; i++)
            job.Labels[i] = i % Classes;
        random.Shuffle(job.Labels.AsSpan());
        // Each image has a sequence of its own, so it doesn't matter which thread draws it.
        for (int i = 0; i < count; i++)
            job.Seeds[i] = random.NextBits();
        workers.For(count, job, static (job, _, start, end) =>
        {
            var painter = new DigitPainter();
            const int size = DigitPainter.Side * DigitPainter.Side;
            for (int i = start; i < end; i++)
                painter.Paint(job.Labels[i], new SeededRandom(job.Seeds[i]), job.Pixels.AsSpan(i * size, size));
        });
        return new ImageDataset(
            "digits", job.Pixels, job.Labels, 1, DigitPainter.Side, DigitPainter.Side, MnistFolder.Digits, normalization);
    }

    private sealed record Job(int[] Labels, ulong[] Seeds, byte[] Pixels);
}
