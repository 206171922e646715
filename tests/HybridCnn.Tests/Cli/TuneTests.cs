using HybridCnn.IO;
using HybridCnn.Tests.IO;

namespace HybridCnn.Tests.Cli;

public sealed class TuneTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Train_tunes_once_and_remembers()
    {
        string cache = _folder["cache/tuning.json"];
        CliResult first = Train("first", cache);
        Assert.Equal(0, first.ExitCode);
        Assert.Contains($"{cache} has 0 measured passes", first.Error);
        Assert.Contains("mb32ic1ih28oc20oh24kh5: Forward ", first.Error);
        int passes = TuningFile.Load(cache).Count;
        Assert.InRange(passes, 1, 6);
        Assert.Contains($" --tune --tune-cache {cache}", File.ReadAllText(_folder["first/run.json"]));

        byte[] measured = File.ReadAllBytes(cache);
        CliResult second = Train("second", cache);
        Assert.Contains($"{cache} has {passes} measured passes", second.Error);
        Assert.Equal(measured, File.ReadAllBytes(cache));
        Assert.Equal(File.ReadAllBytes(_folder["first/weights.safetensors"]), File.ReadAllBytes(_folder["second/weights.safetensors"]));

        // Where it can't be written, the run goes on.
        CliResult third = Train("third", Path.Combine(cache, "below"));
        Assert.Equal(0, third.ExitCode);
        Assert.Contains("warning: the next run must measure again. Can't write ", third.Error);
    }

    [Fact]
    public void Train_refuses_a_file_that_is_no_cache_and_leaves_it()
    {
        string path = _folder.Write("notes.txt", "mine"u8.ToArray());
        CliResult result = Train("run", path);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"error: {path} is no tuning cache", result.Error);
        Assert.Equal("mine"u8.ToArray(), File.ReadAllBytes(path));
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public void A_cache_without_tuning_makes_no_sense() =>
        Assert.Equal(1, CliProcess.Run("train", "--tune-cache", "x").ExitCode);

    private CliResult Train(string name, string cache) => CliProcess.Run(
        "train", "--limit", "64", "--batch", "32", "--epochs", "1", "--threads", "1", "--out", _folder[name], "--tune", "--tune-cache", cache);
}
