using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using HybridCnn.Benchmarks.Machine;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>How fast the median call was, and what share of the yardstick measured in the same run that is.</summary>
internal sealed class RateColumn(bool asShare) : IColumn
{
    public string Id => ColumnName;

    public string ColumnName => asShare ? "Of peak" : "Rate";

    public string Legend => asShare
        ? "Share of SGEMM's best rate in this run with as many threads; for GB/s, of a copy that moves as many bytes with as many threads"
        : "GFLOP/s, or GB/s read and written, at the median";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => asShare ? 1 : 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } times
            || benchmarkCase.Parameters.Items.Select(p => p.Value).OfType<IWork>().FirstOrDefault() is not { } work)
        {
            return "-";
        }

        double rate = work.Amount / times.Median;
        if (!asShare)
            return string.Create(CultureInfo.InvariantCulture, $"{rate:0.0} {(work.IsBytes ? "GB/s" : "GFLOP/s")}");
        int threads = benchmarkCase.Parameters.Items.FirstOrDefault(p => p.Name == "Threads")?.Value as int? ?? 1;
        double peak = work.IsBytes ? Peak.CopyGigabytes(work.Amount, threads) : Peak.SgemmGflops(threads);
        return (rate / peak).ToString("P0", CultureInfo.InvariantCulture);
    }
}
