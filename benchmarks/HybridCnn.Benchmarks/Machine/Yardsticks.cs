using System.Globalization;
using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>What the machine reached in the same process, to judge the rows by.</summary>
/// <param name="Cores">For every number of threads.</param>
/// <param name="CopyGigabytes">Of a copy of 256 MB on one thread, more than caches hold, bytes read plus bytes written, in GB/s.</param>
/// <param name="Lowering">The problem whose images were lowered, NCHW.</param>
/// <param name="LoweringGigabytes">Of im2col on one thread, in GB/s, counted alike.</param>
/// <param name="LoweringOfCopy">The same, as a share of a copy of as many bytes.</param>
internal sealed record Yardsticks(
    IReadOnlyList<CoreYardstick> Cores, double CopyGigabytes, string Lowering, double LoweringGigabytes, double LoweringOfCopy)
{
    private const double CopyBytes = 512e6;

    // VGG's and ResNet's usual form, with an image that a second-level cache holds and a matrix that it does not.
    private static readonly Conv2dDims Lowered = Conv2dDims.Parse("mb1ic64ih56oc64oh56kh3ph1");

    public static Yardsticks Measure(IReadOnlyList<int> threads)
    {
        double lowering = Peak.LoweringGigabytes(Lowered);
        return new(
            [.. threads.Select(count => new CoreYardstick(count, Peak.FmaGflops(count), Peak.SgemmGflops(count)))],
            Peak.CopyGigabytes(CopyBytes, 1), Lowered.ToString(), lowering, lowering / Peak.CopyGigabytes(new LoweringProblem(Lowered).Amount, 1));
    }

    public override string ToString() => string.Join("; ",
    [
        .. Cores.Select(core => string.Create(CultureInfo.InvariantCulture, $"{core.Threads} thread(s) FMA {core.FmaGflops:0}, SGEMM {core.SgemmGflops:0} GFLOP/s")),
        string.Create(CultureInfo.InvariantCulture, $"copy {CopyGigabytes:0.0} GB/s; im2col of {Lowering} {LoweringGigabytes:0.0} GB/s, {LoweringOfCopy:P0} of a copy of as many bytes"),
    ]);
}

/// <summary>Best rates of so many threads together: of multiply-adds in registers, and of SGEMM, one product per thread.</summary>
internal sealed record CoreYardstick(int Threads, double FmaGflops, double SgemmGflops);
