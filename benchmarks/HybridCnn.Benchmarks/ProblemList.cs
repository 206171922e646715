using System.Globalization;
using System.Text.RegularExpressions;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks;

/// <summary>A convolution, what its layer is called (empty for no name), and how many such layers the network has.</summary>
internal sealed record Problem(string Name, int Repeat, Conv2dDims Dims)
{
    /// <summary>The same layer for another number of images.</summary>
    public Problem WithBatch(int images) => this with
    {
        Dims = Conv2dDims.Create(
            images, Dims.IC, Dims.IH, Dims.IW, Dims.OC, Dims.KH, Dims.KW, Dims.StrideH, Dims.StrideW,
            Dims.PadTop, Dims.PadLeft, Dims.PadBottom, Dims.PadRight, Dims.DilationH, Dims.DilationW, Dims.Groups, Dims.Layout),
    };
}

/// <summary>Convolution problems as a user names them.</summary>
internal static partial class ProblemList
{
    /// <summary>
    /// Problem strings with commas between, or the path of a file with one a line. In a file, "#" starts a comment, and only a
    /// line's first word counts. A name in a problem string, n"conv1", stays with its problem; n"conv1*3" says that there are three.
    /// </summary>
    /// <exception cref="FormatException">A problem string that cannot be read.</exception>
    public static IReadOnlyList<Problem> Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return [];
        IEnumerable<string> problems = File.Exists(text)
            ? File.ReadLines(text).Select(line => line.Split('#')[0].Trim().Split(' ')[0])
            : text.Split(',', StringSplitOptions.TrimEntries);
        return [.. problems.Where(problem => problem.Length > 0).Select(Parse)];
    }

    /// <summary>The problems of a set that comes with the program; none for no name.</summary>
    /// <exception cref="ArgumentException">There is no such set; the message lists those that there are.</exception>
    public static IReadOnlyList<Problem> ReadSet(string? name)
    {
        if (string.IsNullOrWhiteSpace(name))
            return [];
        string folder = Path.Combine(AppContext.BaseDirectory, "Sets");
        string[] names = [.. Directory.EnumerateFiles(folder, "*.txt").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];
        return names.Contains(name)
            ? Read(Path.Combine(folder, name + ".txt"))
            : throw new ArgumentException($"There is no set \"{name}\"; there are: {string.Join(", ", names)}.", nameof(name));
    }

    private static Problem Parse(string text)
    {
        Match name = Name().Match(text);
        int repeat = name.Groups["repeat"] is { Success: true } number ? int.Parse(number.ValueSpan, CultureInfo.InvariantCulture) : 1;
        return new Problem(name.Groups["name"].Value, repeat, Conv2dDims.Parse(text));
    }

    [GeneratedRegex("n\"(?<name>[^\"]*?)(\\*(?<repeat>[0-9]{1,6}))?\"")]
    private static partial Regex Name();
}
