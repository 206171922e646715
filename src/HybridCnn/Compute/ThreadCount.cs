namespace HybridCnn.Compute;

/// <summary>A number of threads and the reason for it.</summary>
/// <param name="Count">At least 1.</param>
/// <param name="Reason">In words, for people: "2 = processors this process may use".</param>
public readonly record struct ThreadCount(int Count, string Reason)
{
    /// <summary>The environment variable that overrides the default.</summary>
    public const string EnvironmentVariable = "HYBRIDCNN_NUM_THREADS";

    /// <summary>More threads than this is taken for a mistake. OpenBLAS builds have tables for at least 64 callers.</summary>
    public const int Maximum = 64;

    /// <summary>
    /// What a context uses unless told: <see cref="EnvironmentVariable"/>, else the processors that affinity and the
    /// control group's quota leave to this process, rounded down.
    /// </summary>
    public static ThreadCount Default => Decide(0);

    internal static ThreadCount Decide(int requested)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(requested);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(requested, Maximum);
        if (requested > 0)
            return new(requested, $"{requested} asked for");
        return Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } text
            ? FromVariable(text)
            : FromProcessors(Environment.ProcessorCount, CgroupQuota.Read());
    }

    internal static ThreadCount FromVariable(string text) => int.TryParse(text, out int count) && count is >= 1 and <= Maximum
        ? new(count, $"{EnvironmentVariable}={text}")
        : throw new InvalidOperationException($"{EnvironmentVariable}={text}: expected a whole number from 1 to {Maximum}.");

    // The runtime's processor count follows the affinity mask, and rounds the control group's quota up; a quota of 1.5
    // processors would run two threads into the throttle, so here it is rounded down.
    internal static ThreadCount FromProcessors(int processors, (double Processors, string Source)? quota)
    {
        int limit = Math.Min(processors, Maximum);
        if (quota is not { } q || q.Processors >= limit)
            return new(limit, $"{limit} = processors that this process may use");
        int whole = Math.Max(1, (int)q.Processors);
        return new(whole, $"{whole} = quota of {q.Processors:0.##} processors ({q.Source}), rounded down");
    }
}
