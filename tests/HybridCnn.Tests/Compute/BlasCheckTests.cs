using HybridCnn.Compute;

namespace HybridCnn.Tests.Compute;

public class BlasCheckTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Concurrent_products_agree_with_the_portable_sgemm(int threads)
    {
        BlasSelfTest result = BlasCheck.SelfTest(threads);
        Assert.Equal(threads * 256, result.Products);
        Assert.Null(result.FirstMismatch);
        Assert.Equal(0, result.Mismatches);
    }

    [Fact]
    public void Speed_is_a_positive_number() => Assert.InRange(BlasCheck.MeasureGflops(2, size: 64, millisecondsPerRound: 1), 0.001, 1e6);

    [Theory]
    [InlineData(0)]
    [InlineData(ThreadCount.Maximum + 1)]
    public void A_number_of_threads_out_of_range_is_named(int threads)
    {
        Assert.Equal("threads", Assert.Throws<ArgumentOutOfRangeException>(() => BlasCheck.SelfTest(threads)).ParamName);
        Assert.Equal("threads", Assert.Throws<ArgumentOutOfRangeException>(() => BlasCheck.MeasureGflops(threads)).ParamName);
    }
}
