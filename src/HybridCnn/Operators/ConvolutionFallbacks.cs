namespace HybridCnn.Operators;

/// <summary>
/// The slow paths that this process took: passes that ran <see cref="ConvolutionAlgorithm.Im2Col"/>, the algorithm that takes every problem,
/// where a faster one could have served. Each pass of a <see cref="ConvolutionPlan"/> counts once, when it first runs, if
/// <list type="bullet">
/// <item>a faster algorithm needs more scratch memory than <see cref="Compute.ComputeOptions.WorkspaceLimit"/>;</item>
/// <item>OpenBLAS's kernels in use have no small-matrix products, and with them <see cref="ConvolutionAlgorithm.Taps"/> would serve;</item>
/// <item>channels are in several groups that no other algorithm is as fast for;</item>
/// <item>x and y are NCHW with channels in sixteens, and NHWC would have a faster algorithm.</item>
/// </list>
/// What does not count: a problem whose fastest algorithm Im2Col is (few channels in NCHW order, or short strided rows); an algorithm
/// that the caller or the environment asked for; and the falls from one faster algorithm to another, which
/// <see cref="ConvolutionPlan.Explain"/> names. Safe to use from any thread.
/// </summary>
public static class ConvolutionFallbacks
{
    internal const int MostReasons = 64;

    private static readonly Lock s_lock = new();
    private static readonly List<string> s_reasons = [];
    private static long s_count;

    /// <summary>How many passes.</summary>
    public static long Count => Interlocked.Read(ref s_count);

    /// <summary>Problem, pass and reason of the first 64 that differ, in the order in which they ran.</summary>
    public static IReadOnlyList<string> Reasons
    {
        get
        {
            lock (s_lock)
                return [.. s_reasons];
        }
    }

    internal static void Add(string reason)
    {
        lock (s_lock)
        {
            s_count++;
            if (s_reasons.Count < MostReasons && !s_reasons.Contains(reason))
                s_reasons.Add(reason);
        }
    }
}
