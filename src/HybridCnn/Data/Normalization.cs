namespace HybridCnn.Data;

/// <summary>
/// Turns bytes into what a network reads: (p / 255 - mean) / deviation, one mean and one deviation per channel.
/// A byte has 256 values, so each channel is a table of 256 floats.
/// </summary>
public sealed class Normalization
{
    private const int ByteValues = 256;

    private readonly float[] _mean, _deviation;
    private readonly float[] _tables;

    /// <summary>Fills the tables.</summary>
    /// <param name="mean">Mean of p / 255, one per channel.</param>
    /// <param name="deviation">Standard deviation of p / 255, one per channel, each above 0.</param>
    /// <exception cref="ArgumentException">No channel, different counts, a value that isn't finite, or a deviation of 0 or less.</exception>
    public Normalization(ReadOnlySpan<float> mean, ReadOnlySpan<float> deviation)
    {
        if (mean.Length == 0 || mean.Length != deviation.Length)
            throw new ArgumentException($"One deviation per mean, at least one; got {mean.Length} means and {deviation.Length} deviations.", nameof(deviation));
        _mean = mean.ToArray();
        _deviation = deviation.ToArray();
        _tables = new float[mean.Length * ByteValues];
        for (int c = 0; c < mean.Length; c++)
        {
            if (!float.IsFinite(mean[c]))
                throw new ArgumentException($"The mean of channel {c} must be finite; got {mean[c]}.", nameof(mean));
            if (!float.IsFinite(deviation[c]) || deviation[c] <= 0)
                throw new ArgumentException($"The deviation of channel {c} must be finite and above 0; got {deviation[c]}.", nameof(deviation));
            for (int p = 0; p < ByteValues; p++)
                _tables[c * ByteValues + p] = (float)((p / 255.0 - mean[c]) / deviation[c]);
        }
    }

    /// <summary>Number of channels.</summary>
    public int Channels => _mean.Length;

    /// <summary>Mean of p / 255, one per channel.</summary>
    public ReadOnlySpan<float> Mean => _mean;

    /// <summary>Standard deviation of p / 255, one per channel.</summary>
    public ReadOnlySpan<float> Deviation => _deviation;

    /// <summary>Writes the normalised floats of one image, [C, H, W] both.</summary>
    /// <param name="pixels">C planes of equal size.</param>
    /// <param name="x">As many floats; overwritten.</param>
    /// <exception cref="ArgumentException">Different lengths, or not a whole number of pixels per channel.</exception>
    public void Apply(ReadOnlySpan<byte> pixels, Span<float> x)
    {
        if (pixels.Length != x.Length)
            throw new ArgumentException($"{pixels.Length} pixels don't fit {x.Length} floats.", nameof(x));
        if (pixels.Length % Channels != 0)
            throw new ArgumentException($"{pixels.Length} pixels aren't {Channels} planes of equal size.", nameof(pixels));
        int plane = pixels.Length / Channels;
        for (int c = 0; c < Channels; c++)
        {
            ReadOnlySpan<float> table = _tables.AsSpan(c * ByteValues, ByteValues);
            ReadOnlySpan<byte> from = pixels.Slice(c * plane, plane);
            Span<float> to = x.Slice(c * plane, from.Length);
            for (int i = 0; i < from.Length; i++)
                to[i] = table[from[i]];
        }
    }

    /// <summary>Measures mean and deviation of images [N, C, H, W]. The sums are whole numbers: the same bits everywhere.</summary>
    /// <param name="pixels">All images, one after the other.</param>
    /// <param name="channels">C.</param>
    /// <param name="plane">H * W.</param>
    /// <exception cref="ArgumentException">No image, or not a whole number of images.</exception>
    public static Normalization Measure(ReadOnlySpan<byte> pixels, int channels, int plane)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(plane, 1);
        if (pixels.Length == 0 || pixels.Length % ((long)channels * plane) != 0)
            throw new ArgumentException($"{pixels.Length} pixels aren't images of {channels} x {plane} pixels.", nameof(pixels));
        var counts = new long[channels * ByteValues];
        for (int start = 0, c = 0; start < pixels.Length; start += plane, c = c + 1 == channels ? 0 : c + 1)
        {
            Span<long> of = counts.AsSpan(c * ByteValues, ByteValues);
            foreach (byte p in pixels.Slice(start, plane))
                of[p]++;
        }

        var mean = new float[channels];
        var deviation = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            long count = 0, sum = 0, squares = 0;
            for (int p = 0; p < ByteValues; p++)
            {
                long n = counts[c * ByteValues + p];
                count += n;
                sum += n * p;
                squares += n * p * p;
            }

            double m = (double)sum / count;
            double variance = (double)squares / count - m * m;
            mean[c] = (float)(m / 255);
            // A channel of one colour carries nothing; dividing by 1 leaves it at 0.
            deviation[c] = variance > 0 ? (float)(Math.Sqrt(variance) / 255) : 1;
        }

        return new Normalization(mean, deviation);
    }
}
