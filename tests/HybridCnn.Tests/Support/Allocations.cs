namespace HybridCnn.Tests.Support;

/// <summary>Managed bytes that a run leaves behind.</summary>
internal static class Allocations
{
    private const int MostRuns = 10;

    /// <summary>
    /// Of the calling thread, the least of some runs. A collection, which other tests cause at any time, counts what is left of the thread's piece of the heap, up to 8 KB, as allocated.
    /// </summary>
    public static long OfThisThread(Action run)
    {
        long least = long.MaxValue;
        for (int i = 0; i < MostRuns && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
