using System.Text.RegularExpressions;

namespace HybridCnn.Tests.Cli;

public partial class ReportTests(TrainedRun run) : IClassFixture<TrainedRun>
{
    private static readonly string[] s_empty = ["meta", "img", "br", "line", "polyline"];

    private readonly string _html = File.ReadAllText(run.File("report.html"));

    [Theory]
    [InlineData("curves")]
    [InlineData("confusion")]
    [InlineData("mistakes")]
    [InlineData("filters")]
    [InlineData("steps")]
    [InlineData("layers")]
    [InlineData("throughput")]
    [InlineData("settings")]
    public void It_has_the_section(string id) => Assert.Contains($"<section id=\"{id}\">", _html);

    [Fact]
    public void It_refers_to_nothing_outside_itself()
    {
        Assert.DoesNotContain("<script", _html);
        Assert.DoesNotContain("<link", _html);
        Assert.DoesNotContain("url(", _html);
        Assert.DoesNotContain("@import", _html);
        Assert.DoesNotContain("href", _html);
        Assert.All(Sources().Matches(_html), match => Assert.StartsWith("data:image/png;base64,", match.Groups[1].Value));
        // lenet5 has six filters of one channel in its first layer.
        Assert.True(Sources().Count(_html) > 6, "pictures are missing");
    }

    [Fact]
    public void Every_element_is_closed_in_order()
    {
        var open = new Stack<string>();
        foreach (Match tag in Tags().Matches(Style().Replace(_html, "<style></style>")))
        {
            string name = tag.Groups["name"].Value;
            if (tag.Groups["close"].Success)
                Assert.Equal(open.Pop(), name);
            else if (!s_empty.Contains(name))
                open.Push(name);
        }

        Assert.Empty(open);
    }

    [Fact]
    public void The_confusion_matrix_counts_every_test_image()
    {
        string table = _html[_html.IndexOf("<table class=\"confusion\"", StringComparison.Ordinal)..];
        table = table[..table.IndexOf("</table>", StringComparison.Ordinal)];
        Assert.Equal(320, Counts().Matches(table).Sum(match => int.Parse(match.Groups[1].Value)));
    }

    [Fact]
    public void The_layers_chart_has_a_bar_for_every_pass_that_took_time()
    {
        string section = _html[_html.IndexOf("<section id=\"layers\">", StringComparison.Ordinal)..];
        section = section[..section.IndexOf("</section>", StringComparison.Ordinal)];
        // lenet5: two convolutions and three fully connected layers; the first layer needs no gradient of its input.
        Assert.Equal(5, section.Split("gradients of the weights: ").Length - 1);
        Assert.Contains("0 Conv2d+ReLU, forward: ", section);
        Assert.DoesNotContain("BatchNorm", section);
        // 20 steps in all: too few to be past the compiler, which is said.
        Assert.Contains("medians over 15 steps after the first 5, in which the runtime was still compiling", section);
    }

    [GeneratedRegex("src=\"([^\"]*)\"")]
    private static partial Regex Sources();

    [GeneratedRegex("<(?<close>/)?(?<name>[a-z][a-z0-9]*)[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex("<style>.*?</style>", RegexOptions.Singleline)]
    private static partial Regex Style();

    [GeneratedRegex("<td class=\"(?:hit|miss)[^>]*>([0-9]+)</td>")]
    private static partial Regex Counts();
}
