using System.Text.Json;

namespace HybridCnn.Tests.Cli;

public class DoctorTests
{
    [Fact]
    public void Doctor_describes_processor_blas_threads_self_test_and_speed()
    {
        CliResult result = CliProcess.Run("doctor", "--threads", "2");
        Assert.Equal((0, ""), (result.ExitCode, result.Error.Contains("error", StringComparison.Ordinal) ? result.Error : ""));
        foreach (string name in new[] { "processor", "features", "threads           2 asked for", "blas", "self-test         2,048 products on 8 threads", "SGEMM", "tuning cache" })
            Assert.Contains(result.Lines, line => line.StartsWith(name, StringComparison.Ordinal));
    }

    [Fact]
    public void Doctor_measures_what_a_pin_costs()
    {
        CliResult result = CliProcess.Run("doctor", "--threads", "1", "--blas-core", "Haswell", "--json");
        Assert.Equal(0, result.ExitCode);
        JsonElement found = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        // The portable SGEMM has no pins, and nothing to compare.
        bool pinned = found.GetProperty("blas").GetProperty("pins").GetArrayLength() > 0;
        Assert.Equal(found.GetProperty("blas").GetProperty("kind").GetString() == "openblas", pinned);
        Assert.Equal(pinned, found.TryGetProperty("unpinned_gflops_one_thread", out JsonElement speed) && speed.GetDouble() > 0);
    }

    [Fact]
    public void Doctor_says_the_same_to_programs()
    {
        CliResult result = CliProcess.Run("doctor", "--json");
        Assert.Equal(0, result.ExitCode);
        JsonElement found = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        Assert.Equal("doctor", found.GetProperty("event").GetString());
        Assert.True(found.GetProperty("ok").GetBoolean());
        Assert.Equal(0, found.GetProperty("self_test").GetProperty("mismatches").GetInt32());
        Assert.True(found.GetProperty("gflops_one_thread").GetDouble() > 0);
        Assert.NotEmpty(found.GetProperty("blas").GetProperty("looked_at").EnumerateArray());
        Assert.NotEmpty(found.GetProperty("tuning_cache").GetProperty("path").GetString()!);
        Assert.Empty(found.GetProperty("problems").EnumerateArray());
    }
}
