namespace HybridCnn.Operators;

/// <summary>How items that workers take in blocks are cut.</summary>
internal static class EvenBlocks
{
    /// <summary>
    /// The length of a block, at most <paramref name="most"/>, that gives every worker as many blocks: two workers compute seven
    /// no faster than eight. Rounded up to a multiple of <paramref name="unit"/>.
    /// </summary>
    public static int Length(int total, int most, int workers, int unit)
    {
        int blocks = (total + most - 1) / most;
        blocks = (blocks + workers - 1) / workers * workers;
        int length = (total + blocks - 1) / blocks;
        return Math.Min(most, (length + unit - 1) / unit * unit);
    }
}
