namespace HybridCnn.TorchSharp;

/// <summary>
/// Calls of this package's modules that PyTorch's own operators served, because the engine takes images [N, C, H, W] of float32 on the CPU and first derivatives
/// alone. Each call counts. Safe to use from any thread.
/// </summary>
public static class TorchFallbacks
{
    internal const int MostReasons = 64;

    private static readonly Lock s_lock = new();
    private static readonly List<string> s_reasons = [];
    private static long s_count;

    /// <summary>How many calls.</summary>
    public static long Count => Interlocked.Read(ref s_count);

    /// <summary>Module and reason of the first 64 that differ, in the order in which they came.</summary>
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
