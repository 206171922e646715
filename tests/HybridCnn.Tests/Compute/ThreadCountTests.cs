using HybridCnn.Compute;

namespace HybridCnn.Tests.Compute;

public sealed class ThreadCountTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("hybridcnn-cgroup-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("150000 100000", 1.5)]
    [InlineData("400000 100000\n", 4.0)]
    public void Reads_the_quota_of_version_2(string content, double processors)
    {
        File.WriteAllText(Path.Combine(_root, "cpu.max"), content);
        Assert.Equal(processors, CgroupQuota.Read(_root)!.Value.Processors);
    }

    [Theory]
    [InlineData("max 100000")]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("-1 100000")]
    public void No_quota_is_no_limit(string content)
    {
        File.WriteAllText(Path.Combine(_root, "cpu.max"), content);
        Assert.Null(CgroupQuota.Read(_root));
    }

    [Fact]
    public void Reads_the_quota_of_version_1()
    {
        Directory.CreateDirectory(Path.Combine(_root, "cpu"));
        File.WriteAllText(Path.Combine(_root, "cpu", "cpu.cfs_period_us"), "100000\n");
        File.WriteAllText(Path.Combine(_root, "cpu", "cpu.cfs_quota_us"), "250000\n");
        Assert.Equal(2.5, CgroupQuota.Read(_root)!.Value.Processors);
        File.WriteAllText(Path.Combine(_root, "cpu", "cpu.cfs_quota_us"), "-1\n");
        Assert.Null(CgroupQuota.Read(_root));
    }

    [Fact]
    public void What_is_asked_for_is_given()
    {
        using var context = new ComputeContext(3);
        Assert.Equal(new ThreadCount(3, "3 asked for"), context.Threads);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(ThreadCount.Maximum + 1)]
    public void Absurd_numbers_are_refused(int threads) =>
        Assert.Contains($"{threads}", Assert.Throws<ArgumentOutOfRangeException>(() => new ComputeContext(threads)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(1, 1.0, 1)]
    [InlineData(8, 1.5, 1)]
    [InlineData(8, 0.5, 1)]
    [InlineData(8, 3.9, 3)]
    [InlineData(2, 16.0, 2)]
    [InlineData(500, 400.0, ThreadCount.Maximum)]
    public void A_quota_is_rounded_down(int processors, double quota, int expected) =>
        Assert.Equal(expected, ThreadCount.FromProcessors(processors, (quota, "cpu.max")).Count);

    [Theory]
    [InlineData("3", 3)]
    [InlineData("64", 64)]
    public void The_variable_decides(string text, int expected) => Assert.Equal(expected, ThreadCount.FromVariable(text).Count);

    [Theory]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("two")]
    [InlineData("1.5")]
    public void A_broken_variable_is_an_error_not_a_default(string text) =>
        Assert.Contains($"HYBRIDCNN_NUM_THREADS={text}", Assert.Throws<InvalidOperationException>(() => ThreadCount.FromVariable(text)).Message, StringComparison.Ordinal);
}
