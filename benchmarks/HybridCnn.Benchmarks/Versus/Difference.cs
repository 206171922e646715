namespace HybridCnn.Benchmarks.Versus;

/// <summary>How far results lie apart. NaN anywhere gives NaN, which no tolerance lets pass.</summary>
internal static class Difference
{
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

    /// <summary>The same of what training changed: weights barely move in three steps, so comparing them would hide a wrong gradient.</summary>
    public static double OfChange(float[] before, float[] got, float[] expected) => Relative(
        [.. got.Zip(before, (after, start) => after - start)], [.. expected.Zip(before, (after, start) => (double)after - start)]);

    /// <summary>The same over all parameters together, by Euclid's norm: √Σ (got − expected)² / √Σ (expected − before)².</summary>
    public static double OfAllChanges(
        IReadOnlyDictionary<string, float[]> before, IReadOnlyDictionary<string, float[]> got, IReadOnlyDictionary<string, float[]> expected)
    {
        double difference = 0;
        double scale = 0;
        foreach ((string name, float[] values) in expected)
        {
            for (int i = 0; i < values.Length; i++)
            {
                double apart = (double)got[name][i] - values[i], change = (double)values[i] - before[name][i];
                difference += apart * apart;
                scale += change * change;
            }
        }

        return difference == 0 ? 0 : Math.Sqrt(difference / scale);
    }
}

/// <summary>The two sides do not compute the same; the message says what differs.</summary>
internal sealed class WrongResultException(string message) : Exception(message);
