using System.Globalization;

namespace HybridCnn.Compute;

/// <summary>The processor time that Linux's control groups allow this process.</summary>
internal static class CgroupQuota
{
    /// <summary>Null where there is no quota, or no control groups.</summary>
    public static (double Processors, string Source)? Read(string root = "/sys/fs/cgroup") =>
        ReadV2(Path.Combine(root, "cpu.max"))
        ?? ReadV1(Path.Combine(root, "cpu", "cpu.cfs_quota_us"), Path.Combine(root, "cpu", "cpu.cfs_period_us"));

    // Version 2: "150000 100000", or "max 100000".
    private static (double, string)? ReadV2(string path) =>
        TryRead(path)?.Split(' ') is [var quota, var period] ? Ratio(quota, period, path) : null;

    // Version 1: two files; -1 means no quota.
    private static (double, string)? ReadV1(string quotaPath, string periodPath) =>
        TryRead(quotaPath) is { } quota && TryRead(periodPath) is { } period ? Ratio(quota, period, quotaPath) : null;

    private static (double, string)? Ratio(string quota, string period, string path) =>
        double.TryParse(quota, NumberStyles.Integer, CultureInfo.InvariantCulture, out double q) && q > 0
        && double.TryParse(period, NumberStyles.Integer, CultureInfo.InvariantCulture, out double p) && p > 0
            ? (q / p, path)
            : null;

    private static string? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
