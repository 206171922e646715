using System.Text;
using HybridCnn.Compute;
using HybridCnn.IO;
using HybridCnn.Operators;

namespace HybridCnn.Tests.IO;

public sealed class TuningFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Comes_back_as_it_was_saved()
    {
        string path = _folder["new/folder/tuning.json"];
        Assert.Equal(0, TuningFile.Load(path).Count);
        TuningCache cache = Cache("mb1ic1ih5oc1kh3", "mb2ic1ih5oc1kh3");
        TuningFile.Save(path, cache);
        Assert.Equal(Text(cache), Text(TuningFile.Load(path)));
        Assert.Equal([path], Directory.GetFiles(_folder["new/folder"]));
    }

    [Fact]
    public void Saving_keeps_what_others_saved_and_replaces_what_is_known_better()
    {
        string path = _folder["tuning.json"];
        TuningFile.Save(path, Cache("mb1ic1ih5oc1kh3", "mb2ic1ih5oc1kh3"));
        TuningCache second = Cache("mb3ic1ih5oc1kh3");
        second.Set(Key("mb1ic1ih5oc1kh3"), new(ConvolutionAlgorithm.Direct, [new(ConvolutionAlgorithm.Direct, 0.5, false)]));
        TuningFile.Save(path, second);
        TuningCache merged = TuningFile.Load(path);
        Assert.Equal(3, merged.Count);
        Assert.Equal(ConvolutionAlgorithm.Direct, merged.Find(Key("mb1ic1ih5oc1kh3"))!.Chosen);
        Assert.Equal(ConvolutionAlgorithm.Taps, merged.Find(Key("mb2ic1ih5oc1kh3"))!.Chosen);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not JSON")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format\": \"hybridcnn tuning 1\"}")]
    [InlineData("{\"format\": \"hybridcnn tuning 1\", \"entries\": null}")]
    [InlineData("{\"format\": \"hybridcnn tuning 1\", \"entries\": [null]}")]
    [InlineData("{\"format\": \"hybridcnn tuning 1\", \"entries\": [{}]}")]
    [InlineData("{\"format\": \"hybridcnn tuning 0\", \"entries\": []}")]
    [InlineData("{\"format\": \"hybridcnn tuning 2\", \"entries\": []}")]
    public void Anything_else_is_named_and_left_alone(string content)
    {
        string path = _folder.Write("tuning.json", Encoding.UTF8.GetBytes(content));
        Assert.StartsWith($"{path} is no tuning cache of this version: ", Assert.Throws<DataFormatException>(() => TuningFile.Load(path)).Message);
        Assert.Throws<DataFormatException>(() => TuningFile.Save(path, Cache("mb1ic1ih5oc1kh3")));
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Theory]
    [InlineData("\"chosen\": \"Taps\"", "\"chosen\": \"Magic\"")]
    [InlineData("\"chosen\": \"Taps\"", "\"chosen\": \"Direct\"")]
    [InlineData("\"threads\": 2", "\"threads\": \"two\"")]
    [InlineData("\"pass\": \"Forward\",", "")]
    [InlineData("\"milliseconds\": 1.25", "\"milliseconds\": null")]
    public void A_damaged_entry_is_found(string part, string damaged)
    {
        string path = _folder["tuning.json"];
        TuningFile.Save(path, Cache("mb1ic1ih5oc1kh3"));
        string text = File.ReadAllText(path);
        Assert.Contains(part, text);
        File.WriteAllText(path, text.Replace(part, damaged, StringComparison.Ordinal));
        Assert.Throws<DataFormatException>(() => TuningFile.Load(path));
    }

    [Fact]
    public void A_file_cut_anywhere_is_found()
    {
        string path = _folder["tuning.json"];
        TuningFile.Save(path, Cache("mb1ic1ih5oc1kh3"));
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<DataFormatException>(() => TuningFile.Load(path));
        }
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named()
    {
        string path = Path.Combine(_folder.Write("file", [1]), "under", "tuning.json");
        Assert.StartsWith($"Can't write {path}: ", Assert.Throws<IOException>(() => TuningFile.Save(path, Cache("mb1ic1ih5oc1kh3"))).Message);
    }

    [Fact]
    public void Writers_at_the_same_moment_leave_a_whole_file()
    {
        string path = _folder["tuning.json"];
        Parallel.For(0, 40, i => TuningFile.Save(path, Cache($"mb{i + 1}ic1ih5oc1kh3")));
        Assert.InRange(TuningFile.Load(path).Count, 1, 40);
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
        TuningFile.Save(path, Cache("mb50ic1ih5oc1kh3"));
        Assert.NotNull(TuningFile.Load(path).Find(Key("mb50ic1ih5oc1kh3")));
    }

    private static TuningCache Cache(params string[] problems)
    {
        var cache = new TuningCache();
        foreach (string problem in problems)
            cache.Set(Key(problem), new(ConvolutionAlgorithm.Taps, [new(ConvolutionAlgorithm.Im2Col, 2.5, true), new(ConvolutionAlgorithm.Taps, 1.25, false)]));
        return cache;
    }

    private static TuningKey Key(string problem) =>
        new("a processor", "OpenBLAS 1.2.3, X kernels", "0.1.0", problem, ConvolutionPass.Forward, 2, Precision.Fast, Deterministic: false, 64 << 20);

    private static string[] Text(TuningCache cache) => [.. cache.Entries.Select(entry => $"{entry.Key} {entry.Value.Chosen} {entry.Value}").Order(StringComparer.Ordinal)];
}
