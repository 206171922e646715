using System.Globalization;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Machine;

/// <summary>What the machine reached in the same process, to judge the rows by.</summary>
/// <param name="Cores">For every number of threads.</param>
/// <param name="CopyGigabytes">Of a copy of 256 MB on one thread, more than caches hold, bytes read plus bytes written, in GB/s.</param>
/// <param name="Lowering">The problem whose images were lowered, NCHW, one per thread.</param>
internal sealed record Yardsticks(IReadOnlyList<CoreYardstick> Cores, double CopyGigabytes, string Lowering)
{
    private const double CopyBytes = 512e6;

    // VGG's and ResNet's usual form, with an image that a second-level cache holds and a matrix that it does not.
    private static readonly Conv2dDims Lowered = Conv2dDims.Parse("mb1ic64ih56oc64oh56kh3ph1");

    public static Yardsticks Measure(IReadOnlyList<int> threads) => new(
        [.. threads.Select(count => new CoreYardstick(count, Peak.FmaGflops(count), Peak.SgemmGflops(count), LoweringYardstick.Measure(Lowered, count, false), LoweringYardstick.Measure(Lowered, count, true), Peak.MeetingMicroseconds(count)))],
        Peak.CopyGigabytes(CopyBytes, 1), Lowered.ToString());

    public override string ToString() => string.Join("; ",
    [
        .. Cores.Select(core => string.Create(CultureInfo.InvariantCulture,
            $"{core.Threads} thread(s) FMA {core.FmaGflops:0}, SGEMM {core.SgemmGflops:0} GFLOP/s, im2col {core.Lowering}, in pieces {core.LoweringPieces}{(core.Threads > 1 ? $", threads meet in {core.MeetingMicroseconds.ToString("0.0", CultureInfo.InvariantCulture)} us" : "")}")),
        string.Create(CultureInfo.InvariantCulture, $"copy {CopyGigabytes:0.0} GB/s; im2col is of {Lowering}, its share of a copy of as many bytes to the same place"),
    ]);
}

/// <summary>Best rates of so many threads together.</summary>
/// <param name="Threads">How many.</param>
/// <param name="FmaGflops">Of multiply-adds in registers.</param>
/// <param name="SgemmGflops">Of SGEMM, one product per thread.</param>
/// <param name="Lowering">Of im2col, a whole image per thread.</param>
/// <param name="LoweringPieces">Of im2col in the pieces that convolutions lower at a time.</param>
/// <param name="MeetingMicroseconds">Until all have begun and ended nothing: the median tells whether their cores share a cache.</param>
internal sealed record CoreYardstick(
    int Threads, double FmaGflops, double SgemmGflops, LoweringYardstick Lowering, LoweringYardstick LoweringPieces, double MeetingMicroseconds);

/// <summary>Rate of im2col, bytes read plus bytes written, and its share of the rate of a copy to the same place, see <see cref="Machine.Lowering"/>.</summary>
internal sealed record LoweringYardstick(double Gigabytes, double OfCopy)
{
    public static LoweringYardstick Measure(Conv2dDims dims, int threads, bool pieces)
    {
        (double gigabytes, double ofCopy) = Peak.LoweringRate(dims, threads, pieces);
        return new(gigabytes, ofCopy);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Gigabytes:0} GB/s ({OfCopy:P0})");
}
