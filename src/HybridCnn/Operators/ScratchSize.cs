namespace HybridCnn.Operators;

/// <summary>The scratch memory of one pass, in floats.</summary>
/// <param name="Shared">Read by all workers: packed filters.</param>
/// <param name="PerWorker">Of each worker's own.</param>
internal readonly record struct ScratchSize(long Shared, long PerWorker)
{
    private const int FloatsPerLine = 16;

    /// <summary>Bytes for a number of workers.</summary>
    public long Bytes(int workers) => sizeof(float) * (Shared + workers * PerWorker);

    /// <summary>A number of floats, rounded up to whole cache lines.</summary>
    public static long Lines(long floats) => (floats + FloatsPerLine - 1) / FloatsPerLine * FloatsPerLine;
}
