using HybridCnn.Data;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Data;

/// <summary>Random images whose label is their number, so that a batch says which images it has.</summary>
internal static class NumberedImages
{
    public static ImageDataset Create(int count, int channels = 2, int height = 6, int width = 5)
    {
        var random = new SeededRandom(5);
        var pixels = new byte[count * channels * height * width];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(1 + random.NextInt(255));
        int[] labels = [.. Enumerable.Range(0, count)];
        float[] mean = [.. Enumerable.Repeat(0.25f, channels)], deviation = [.. Enumerable.Repeat(0.5f, channels)];
        return new ImageDataset("numbered", pixels, labels, channels, height, width, [.. labels.Select(l => $"class {l}")], new Normalization(mean, deviation));
    }

    /// <summary>All that the batches of an epoch, or of its rest, hold.</summary>
    public static List<(int[] Labels, int[] Mixed, float Lambda, float[] Images)> Epoch(BatchSource source)
    {
        var seen = new List<(int[], int[], float, float[])>();
        while (source.NextBatch() is { } batch)
            seen.Add(([.. batch.Labels], [.. batch.MixedLabels], batch.Lambda, batch.Images.Span.ToArray()));
        return seen;
    }

    public static void AssertEqual(
        List<(int[] Labels, int[] Mixed, float Lambda, float[] Images)> expected, List<(int[] Labels, int[] Mixed, float Lambda, float[] Images)> got)
    {
        Assert.Equal(expected.Count, got.Count);
        for (int i = 0; i < got.Count; i++)
        {
            Assert.Equal(expected[i].Labels, got[i].Labels);
            Assert.Equal(expected[i].Mixed, got[i].Mixed);
            Assert.Equal(expected[i].Lambda, got[i].Lambda);
            Assert.Equal(expected[i].Images, got[i].Images);
        }
    }
}
