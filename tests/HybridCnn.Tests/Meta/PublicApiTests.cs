using HybridCnn.Tensors;

namespace HybridCnn.Tests.Meta;

/// <summary>Compares the public surface of the library with the text in the repository, so that no change of it goes unseen.</summary>
public class PublicApiTests
{
    private const string Variable = "HYBRIDCNN_UPDATE_SNAPSHOTS";

    private static readonly string Snapshot = Path.Combine(Repository.Root, "tests", "HybridCnn.Tests", "Meta", "PublicApi.txt");

    [Fact]
    public void The_public_surface_is_the_one_in_the_repository()
    {
        string[] now = [.. ApiText.Of(typeof(Tensor).Assembly)];
        if (Environment.GetEnvironmentVariable(Variable) == "1")
            File.WriteAllLines(Snapshot, now);
        string[] before = File.ReadAllLines(Snapshot);
        string[] gone = [.. Except(before, now).Select(line => "- " + line)];
        string[] added = [.. Except(now, before).Select(line => "+ " + line)];
        Assert.True(
            gone.Length + added.Length == 0,
            $"""
            The public surface of HybridCnn changed:
            {string.Join('\n', gone.Concat(added))}
            If that is meant: run the tests with {Variable}=1 and commit {Path.GetRelativePath(Repository.Root, Snapshot)}.
            """);
        Assert.Equal(before, now);
    }

    [Fact]
    public void Every_public_type_lies_in_a_folder_for_users() => Assert.Empty(
        from type in typeof(Tensor).Assembly.GetExportedTypes()
        where type.Namespace is "HybridCnn.Kernels" or null
        select type.FullName);

    // With the type in front, so that two types with a member of the same text don't hide each other.
    private static IEnumerable<string> Except(string[] lines, string[] others) => Qualified(lines).Except(Qualified(others));

    private static IEnumerable<string> Qualified(string[] lines)
    {
        string type = "";
        foreach (string line in lines)
        {
            if (!line.StartsWith(' '))
                type = line;
            yield return line.StartsWith(' ') ? $"{type.Split(" : ")[0]} {{ {line.Trim()} }}" : line;
        }
    }
}
