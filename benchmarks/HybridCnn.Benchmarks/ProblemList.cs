using System.Text.RegularExpressions;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks;

/// <summary>A convolution, and what its layer is called; empty for no name.</summary>
internal sealed record Problem(string Name, Conv2dDims Dims);

/// <summary>Convolution problems as a user names them.</summary>
internal static partial class ProblemList
{
    /// <summary>
    /// Problem strings with commas between, or the path of a file with one a line. In a file, "#" starts a comment, and only a
    /// line's first word counts. A name in a problem string, n"conv1", stays with its problem.
    /// </summary>
    /// <exception cref="FormatException">A problem string that cannot be read.</exception>
    public static IReadOnlyList<Problem> Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return [];
        IEnumerable<string> problems = File.Exists(text)
            ? File.ReadLines(text).Select(line => line.Split('#')[0].Trim().Split(' ')[0])
            : text.Split(',', StringSplitOptions.TrimEntries);
        return [.. problems.Where(problem => problem.Length > 0).Select(problem => new Problem(Name().Match(problem).Groups[1].Value, Conv2dDims.Parse(problem)))];
    }

    /// <summary>The problems of a set that comes with the program; none for no name.</summary>
    /// <exception cref="ArgumentException">There is no such set; the message lists those that there are.</exception>
    public static IReadOnlyList<Problem> ReadSet(string? name)
    {
        if (string.IsNullOrWhiteSpace(name))
            return [];
        string folder = Path.Combine(AppContext.BaseDirectory, "sets");
        string[] names = [.. Directory.EnumerateFiles(folder, "*.txt").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];
        return names.Contains(name)
            ? Read(Path.Combine(folder, name + ".txt"))
            : throw new ArgumentException($"There is no set \"{name}\"; there are: {string.Join(", ", names)}.", nameof(name));
    }

    [GeneratedRegex("n\"([^\"]*)\"")]
    private static partial Regex Name();
}
