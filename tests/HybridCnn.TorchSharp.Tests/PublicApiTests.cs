using HybridCnn.Tests.Meta;

namespace HybridCnn.TorchSharp.Tests;

/// <summary>Compares the public surface of the package with the text in the repository; needs no libtorch.</summary>
public class PublicApiTests
{
    [Fact]
    public void Freed_memory_is_kept_where_the_C_library_is_glibc() =>
        Assert.Equal(System.Runtime.InteropServices.NativeLibrary.TryLoad("libc.so.6", out _), FreedMemory.Keep());

    private const string Variable = "HYBRIDCNN_UPDATE_SNAPSHOTS";

    private static readonly string Snapshot = Path.Combine(Repository.Root, "tests", "HybridCnn.TorchSharp.Tests", "PublicApi.txt");

    [Fact]
    public void The_public_surface_is_the_one_in_the_repository()
    {
        string[] now = [.. ApiText.Of(typeof(HybridModule).Assembly)];
        if (Environment.GetEnvironmentVariable(Variable) == "1")
            File.WriteAllLines(Snapshot, now);
        string[] before = File.ReadAllLines(Snapshot);
        Assert.True(
            before.SequenceEqual(now),
            $"The public surface changed:\n{string.Join('\n', before.Except(now).Select(line => "- " + line).Concat(now.Except(before).Select(line => "+ " + line)))}\n"
            + $"If that is meant: run the tests with {Variable}=1 and commit {Path.GetRelativePath(Repository.Root, Snapshot)}.");
    }
}
