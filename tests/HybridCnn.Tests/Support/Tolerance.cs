namespace HybridCnn.Tests.Support;

/// <summary>How far a float32 result may lie from the same sum in double: it grows with the number of terms.</summary>
internal static class Tolerance
{
    /// <summary>Bound for a sum of so many products, none larger than <paramref name="scale"/> in magnitude.</summary>
    public static double ForSum(long terms, double scale) => (terms + 4) * scale * Math.ScaleB(1, -23);

    /// <summary>Compares element by element and names the worst one. NaN is never close.</summary>
    public static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {expected.Length} elements expected, {actual.Length} given");
        int worst = -1;
        double largest = tolerance;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs(actual[i] - expected[i]);
            if (!(difference <= largest))
            {
                worst = i;
                largest = double.IsNaN(difference) ? double.PositiveInfinity : difference;
            }
        }

        if (worst >= 0)
            Assert.Fail($"{what}[{worst}] is {actual[worst]:R}, expected {expected[worst]:R}: off by {largest:R}, allowed {tolerance:R}");
    }
}
