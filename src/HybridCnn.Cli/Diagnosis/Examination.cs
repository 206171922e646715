using HybridCnn.Cli.Runs;
using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.IO;

namespace HybridCnn.Cli.Diagnosis;

/// <summary>A thing that is not as it should be. A failure makes results wrong or impossible; other findings only cost time.</summary>
internal sealed record Finding(bool IsFailure, string Text);

/// <summary>All that <c>hybridcnn doctor</c> found; null where an earlier failure kept it from looking.</summary>
/// <param name="TunedPasses">How many passes the tuning cache has; null where it is damaged.</param>
internal sealed record Examination(
    MachineInfo? Machine, BlasInfo? Blas, BlasSelfTest? SelfTest, double? GflopsOneThread, double? GflopsAllThreads, UnpinnedSpeed? Unpinned, int? TunedPasses,
    IReadOnlyList<Finding> Findings)
{
    // As many as in a small server, so that a lock which is missing shows even on a laptop.
    private const int LeastSelfTestThreads = 8;

    /// <param name="threads">As --threads: 0 = decided by environment and machine.</param>
    /// <param name="blasCore">As --blas-core.</param>
    public static Examination Run(int threads, string? blasCore)
    {
        var findings = new List<Finding>();
        ComputeContext context;
        try
        {
            context = Runs.Machine.Prepare(threads, blasCore);
        }
        catch (UserErrorException e)
        {
            findings.Add(new(true, e.Message));
            return new(null, null, null, null, null, null, null, findings);
        }

        using (context)
        {
            BlasInfo blas = Interop.Blas.Current;
            int count = context.Threads.Count;
            BlasSelfTest test = BlasCheck.SelfTest(Math.Max(count, LeastSelfTestThreads));
            if (test.Mismatches > 0)
                findings.Add(new(true, $"{test.Mismatches} of {test.Products} products were wrong ({test.FirstMismatch}). Use another OpenBLAS: {Interop.Blas.LibraryVariable}=<path>, or portable."));
            if (blas.Kind == "portable")
                findings.Add(new(false, $"The portable SGEMM serves. Install OpenBLAS (Debian: libopenblas0-pthread) or name one: {Interop.Blas.LibraryVariable}=<path>."));
            if (blas.MaxThreads > 0 && blas.MaxThreads < count)
                findings.Add(new(false, $"This OpenBLAS is built for {blas.MaxThreads} callers at once, fewer than the {count} threads; others wait."));
            double one = BlasCheck.MeasureGflops(1);
            UnpinnedSpeed? unpinned = blas.EnvironmentPins.Count > 0 ? UnpinnedSpeed.Measure() : null;
            if (unpinned?.Cost(blas.Core, one, blas.EnvironmentPins) is { } cost)
                findings.Add(new(false, cost));
            return new(Runs.Machine.Describe(context), blas, test, one, count == 1 ? one : BlasCheck.MeasureGflops(count), unpinned, TunedPassesOrFinding(findings), findings);
        }
    }

    private static int? TunedPassesOrFinding(List<Finding> findings)
    {
        try
        {
            return TuningFile.Load(TuningFile.DefaultPath).Count;
        }
        catch (DataFormatException e)
        {
            findings.Add(new(false, e.Message));
            return null;
        }
    }
}
