namespace HybridCnn.Tests.Support;

/// <summary>Managed bytes that a run leaves behind: the least of some runs, up to the first that leaves none.</summary>
internal static class Allocations
{
    /// <summary>Of the calling thread. A collection, which other tests cause at any time, counts what is left of the thread's piece of the heap, up to 8 KB, as allocated.</summary>
    public static long OfThisThread(Action run) => Least(GC.GetAllocatedBytesForCurrentThread, run, mostRuns: 10);

    /// <summary>Of all threads of the process, where the test runs alone. Timers of the test host may allocate now and then.</summary>
    public static long OfAllThreads(Action run, int mostRuns = 10) => Least(static () => GC.GetTotalAllocatedBytes(precise: true), run, mostRuns);

    private static long Least(Func<long> allocated, Action run, int mostRuns)
    {
        long least = long.MaxValue;
        for (int i = 0; i < mostRuns && least > 0; i++)
        {
            long before = allocated();
            run();
            least = Math.Min(least, allocated() - before);
        }

        return least;
    }
}
