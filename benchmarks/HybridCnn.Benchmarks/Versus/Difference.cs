namespace HybridCnn.Benchmarks.Versus;

/// <summary>How far results lie apart. NaN anywhere gives NaN, which no tolerance lets pass.</summary>
internal static class Difference
{
    private const double LeastShare = 1e-3;

    /// <summary>max |got − expected| / max |expected|.</summary>
    public static double Relative(ReadOnlySpan<float> got, ReadOnlySpan<double> expected)
    {
        double difference = 0;
        double scale = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs(got[i] - expected[i]));
            scale = Math.Max(scale, Math.Abs(expected[i]));
        }

        return difference == 0 ? 0 : difference / scale;
    }

    /// <summary>
    /// The same of what a training step changed, by Euclid's norm: the largest √Σ (got − expected)² / √Σ (expected − before)² of a parameter. Weights barely move
    /// in a step, so comparing them would hide a wrong gradient. What moves less than a thousandth of all together counts as moving so much: before a normalization
    /// the gradient of a bias is nothing but rounding.
    /// </summary>
    public static double OfChanges(IReadOnlyDictionary<string, float[]> before, IReadOnlyDictionary<string, float[]> got, IReadOnlyDictionary<string, float[]> expected)
    {
        double least = LeastShare * Math.Sqrt(expected.Sum(pair => Squares(pair.Value, before[pair.Key])));
        return expected.Aggregate(0.0, (most, pair) => Math.Max(most, Norm(got[pair.Key], pair.Value) / Math.Max(Norm(pair.Value, before[pair.Key]), least)));
    }

    private static double Norm(float[] to, float[] from) => Math.Sqrt(Squares(to, from));

    private static double Squares(float[] to, float[] from)
    {
        double sum = 0;
        for (int i = 0; i < to.Length; i++)
            sum += ((double)to[i] - from[i]) * ((double)to[i] - from[i]);
        return sum;
    }
}

/// <summary>The two sides do not compute the same; the message says what differs.</summary>
internal sealed class WrongResultException(string message) : Exception(message);
