using System.Text.RegularExpressions;
using HybridCnn.Tests.Cli;

namespace HybridCnn.Tests.Meta;

/// <summary>What the READMEs tell people to type must be accepted, and what they link to must be there.</summary>
public partial class ReadmeTests
{
    public static TheoryData<string> Readmes() => [.. Directory
        .EnumerateFiles(Repository.Root, "*.md", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 4 })
        .Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'))
        .Where(file => !file.Split('/').Any(part => part is "artifacts" or "runs" or "bin" or "obj" or ".git"))
        .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Readmes))]
    public void Commands_name_projects_that_exist_and_arguments_that_are_taken(string readme)
    {
        foreach (string command in Commands(File.ReadAllText(Path.Combine(Repository.Root, readme))))
        {
            string[] words = [.. Word().Matches(command).Select(match => match.Value.Trim('"', '\''))];
            if (words is not ["dotnet", "run" or "test" or "build" or "pack", ..])
                continue;
            string? project = words.SkipWhile(word => word is not ("--project" or "-p")).Skip(1).FirstOrDefault();
            if (project is not null)
                Assert.True(Directory.EnumerateFiles(Path.Combine(Repository.Root, project), "*.csproj").Any(), $"{readme}: no project {project} in: {command}");
            if (words[1] != "run" || project?.TrimEnd('/') != "src/HybridCnn.Cli")
                continue;
            CliResult parsed = CliProcess.Run(["[diagram]", .. words.SkipWhile(word => word != "--").Skip(1)]);
            Assert.True(parsed.ExitCode == 0, $"{readme}: {command}\n{parsed.Output}{parsed.Error}");
        }
    }

    [Fact]
    public void A_command_that_would_not_be_taken_is_noticed()
    {
        Assert.Equal(0, CliProcess.Run("[diagram]", "train", "--epochs", "3").ExitCode);
        Assert.NotEqual(0, CliProcess.Run("[diagram]", "train", "--epocs", "3").ExitCode);
        Assert.NotEqual(0, CliProcess.Run("[diagram]", "trian").ExitCode);
    }

    [Theory]
    [MemberData(nameof(Readmes))]
    public void Relative_links_lead_somewhere(string readme)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, readme))!;
        string text = Fence().Replace(File.ReadAllText(Path.Combine(Repository.Root, readme)), "");
        foreach (string target in Link().Matches(text).Select(match => match.Groups["target"].Value))
        {
            if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith('#') || target.StartsWith("mailto:", StringComparison.Ordinal))
                continue;
            string path = Path.Combine(folder, target.Split('#')[0]);
            Assert.True(File.Exists(path) || Directory.Exists(path), $"{readme} links to {target}, which isn't there");
        }
    }

    [Fact]
    public void The_readme_begins_with_the_two_commands() => Assert.Equal(
        ["dotnet run -c Release --project src/HybridCnn.Cli -- train", "dotnet test -c Release"],
        Commands(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Take(2));

    // The lines of the fenced blocks, continued lines joined, without a prompt or a comment.
    private static IEnumerable<string> Commands(string markdown) =>
        from Match fence in Fence().Matches(markdown)
        from line in Continued().Replace(fence.Groups["body"].Value, " ").Split('\n')
        let command = Remark().Replace(line, "").Trim().TrimStart('$', '>').Trim()
        where command.Length > 0
        select command;

    [GeneratedRegex(@"^```[^\n]*\n(?<body>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"[\\`]\r?\n\s*")]
    private static partial Regex Continued();

    [GeneratedRegex(@"""[^""]*""|'[^']*'|\S+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\s#\s.*$")]
    private static partial Regex Remark();

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)[^)]*\)")]
    private static partial Regex Link();
}
