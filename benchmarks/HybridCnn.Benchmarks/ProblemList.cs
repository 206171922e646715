using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks;

/// <summary>Convolution problems as a user names them.</summary>
internal static class ProblemList
{
    /// <summary>
    /// Problem strings with commas between, or the path of a file with one a line. In a file, "#" starts a comment, and only a
    /// line's first word counts.
    /// </summary>
    /// <exception cref="FormatException">A problem string that cannot be read.</exception>
    public static IReadOnlyList<Conv2dDims> Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return [];
        IEnumerable<string> problems = File.Exists(text)
            ? File.ReadLines(text).Select(line => line.Split('#')[0].Trim().Split(' ')[0])
            : text.Split(',', StringSplitOptions.TrimEntries);
        return [.. problems.Where(problem => problem.Length > 0).Select(problem => Conv2dDims.Parse(problem))];
    }
}
