using HybridCnn.Tensors;

namespace HybridCnn.Tests.Support;

/// <summary>Arrays of random numbers for tests.</summary>
internal static class TestRandom
{
    /// <summary>Uniform in [-1, 1).</summary>
    public static float[] Floats(this SeededRandom random, long count)
    {
        var values = new float[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = random.NextFloat(-1, 1);
        return values;
    }

    /// <summary>Whole numbers from -3 to 3: float32 adds and multiplies them without rounding.</summary>
    public static float[] Integers(this SeededRandom random, long count)
    {
        var values = new float[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = random.NextInt(7) - 3;
        return values;
    }
}
