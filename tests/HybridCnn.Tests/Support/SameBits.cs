using System.Runtime.InteropServices;

namespace HybridCnn.Tests.Support;

/// <summary>Equality to the last bit, NaN included. xunit compares nested arrays by an object per element, a hundred times as slowly.</summary>
internal static class SameBits
{
    public static void Assert(float[][] expected, float[][] actual, string what)
    {
        Xunit.Assert.True(expected.Length == actual.Length, $"{what}: {expected.Length} arrays expected, {actual.Length} given");
        for (int i = 0; i < expected.Length; i++)
        {
            ReadOnlySpan<int> left = MemoryMarshal.Cast<float, int>(expected[i]), right = MemoryMarshal.Cast<float, int>(actual[i]);
            int at = left.CommonPrefixLength(right);
            if (at < left.Length || at < right.Length)
                Xunit.Assert.Fail($"{what}, array {i}, [{at}]: {Element(expected[i], at)} expected, {Element(actual[i], at)} given");
        }
    }

    private static string Element(float[] values, int at) => at < values.Length ? $"{values[at]:R}" : "nothing";
}
