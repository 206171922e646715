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
        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } text)
        {
            return int.TryParse(text, out int count) && count is >= 1 and <= Maximum
                ? new(count, $"{EnvironmentVariable}={text}")
                : throw new InvalidOperationException($"{EnvironmentVariable}={text}: expected a whole number from 1 to {Maximum}.");
        }

        // The runtime already takes the affinity mask and the control group's quota into account, but rounds the quota up;
        // a quota of 1.5 processors runs two threads into the throttle, so Quota rounds it down.
        int processors = Math.Min(Environment.ProcessorCount, Maximum);
        return CgroupQuota.Read() is { } quota && quota.Processors < processors
            ? new(Math.Max(1, (int)quota.Processors), $"{Math.Max(1, (int)quota.Processors)} = quota of {quota.Processors:0.##} processors ({quota.Source}), rounded down")
            : new(processors, $"{processors} = processors that this process may use");
    }
}
