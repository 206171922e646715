namespace HybridCnn.Tensors;

/// <summary>
/// A seeded sequence of random numbers with the same bits on every platform and .NET version, whose whole state is one
/// number that a checkpoint can hold. SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
/// </summary>
public sealed class SeededRandom
{
    /// <summary>Starts a sequence. Equal seeds give equal sequences.</summary>
    public SeededRandom(ulong seed) => State = seed;

    /// <summary>All there is to save and restore.</summary>
    public ulong State { get; set; }

    /// <summary>64 uniform bits.</summary>
    public ulong NextBits()
    {
        ulong z = State += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, <paramref name="limit"/>).</summary>
    public int NextInt(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        // The high half of a 64x32 bit product: the bias is below 2^-32 for every limit.
        return (int)(((NextBits() >> 32) * (ulong)limit) >> 32);
    }

    /// <summary>Uniform in [0, 1), 24 bits.</summary>
    public float NextFloat() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public float NextFloat(float low, float high) => low + (high - low) * NextFloat();

    /// <summary>Normal with mean 0 and deviation 1 (Box and Muller, 1958).</summary>
    public float NextNormal()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1.0 - NextFloat()));
        return (float)(radius * Math.Cos(2 * Math.PI * NextFloat()));
    }

    /// <summary>A random order of <paramref name="items"/>, in place (Fisher and Yates, in Durstenfeld's form, 1964).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
