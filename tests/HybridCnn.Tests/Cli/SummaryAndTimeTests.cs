using System.Text.Json;

namespace HybridCnn.Tests.Cli;

public class SummaryAndTimeTests
{
    [Fact]
    public void Summary_shows_every_layer_and_totals_in_100_columns()
    {
        CliResult result = CliProcess.Run("summary", "ResNet18");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("resnet18, x 1x3x224x224", result.Output, StringComparison.Ordinal);
        string last = Assert.Single(result.Lines, line => line.StartsWith("fc ", StringComparison.Ordinal));
        Assert.Contains("513,000", last, StringComparison.Ordinal);
        Assert.Contains("1x1000", last, StringComparison.Ordinal);
        Assert.Contains("11,689,512", Assert.Single(result.Lines, line => line.StartsWith("total", StringComparison.Ordinal)), StringComparison.Ordinal);
        // 1.814 billion multiply-adds, as published for 224x224.
        Assert.Contains("3.628 GFLOP forward", result.Output, StringComparison.Ordinal);
        Assert.Contains(result.Lines, line => line.StartsWith("layer2.0.sum", StringComparison.Ordinal) && line.Contains("Sum+ReLU", StringComparison.Ordinal));
        Assert.All(result.Lines.TakeWhile(line => !line.Contains("GFLOP forward", StringComparison.Ordinal)), line => Assert.True(line.Length <= 100, line));
    }

    [Fact]
    public void Summary_takes_other_images_and_classes_and_gives_json()
    {
        CliResult result = CliProcess.Run("summary", "lenet5", "--input", "2,3,32,40", "--classes", "7", "--json");
        JsonElement json = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        Assert.Equal(105911, json.GetProperty("parameters").GetInt64());
        JsonElement[] layers = [.. json.GetProperty("layers").EnumerateArray()];
        Assert.Equal([2, 7], layers[^1].GetProperty("output").EnumerateArray().Select(extent => extent.GetInt32()));
        Assert.Equal(2L * 2 * 84 * 7, layers[^1].GetProperty("forward_flops").GetInt64());
        Assert.Equal(2L * 2 * 6 * 3 * 5 * 5 * 32 * 40, layers[0].GetProperty("forward_flops").GetInt64());
        Assert.True(layers[0].TryGetProperty("backward_weights", out _));
    }

    [Fact]
    public void Time_splits_a_step_by_layer_and_pass()
    {
        CliResult result = CliProcess.Run("time", "lenet5", "--batch", "16", "--threads", "1", "--steps", "5", "--json");
        Assert.Equal(0, result.ExitCode);
        JsonElement json = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        JsonElement[] layers = [.. json.GetProperty("layers").EnumerateArray()];
        Assert.Equal(["0", "2", "3", "5", "7", "9", "11"], layers.Select(layer => layer.GetProperty("name").GetString()).Where(name => name != "-").Distinct());
        // Every layer ran; the first has no gradient of its input to compute, and the later convolution has both.
        Assert.All(layers.Where(layer => !layer.GetProperty("kind").GetString()!.StartsWith("Sum of", StringComparison.Ordinal)), layer => Assert.True(layer.GetProperty("forward_ms").GetDouble() > 0));
        Assert.True(layers[0].GetProperty("backward_weights_ms").GetDouble() > 10 * layers[0].GetProperty("backward_data_ms").GetDouble());
        JsonElement second = layers.First(layer => layer.GetProperty("name").GetString() == "3");
        Assert.True(second.GetProperty("backward_weights_ms").GetDouble() > 0 && second.GetProperty("backward_data_ms").GetDouble() > 0);
        double parts = layers.Sum(layer => layer.GetProperty("forward_ms").GetDouble() + layer.GetProperty("backward_data_ms").GetDouble() + layer.GetProperty("backward_weights_ms").GetDouble());
        Assert.InRange(parts, 0.2 * json.GetProperty("step_ms").GetDouble(), 1.5 * json.GetProperty("step_ms").GetDouble());
    }

    [Fact]
    public void Time_lists_the_longest_first_with_bars_in_100_columns()
    {
        CliResult result = CliProcess.Run("time", "resnet20", "--input", "2,3,16,16", "--threads", "1", "--steps", "3");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("images/s; medians of 3 steps", result.Output, StringComparison.Ordinal);
        Assert.Contains("██████████", result.Output, StringComparison.Ordinal);
        Assert.Contains(result.Lines, line => line.Contains("optimizer", StringComparison.Ordinal));
        Assert.All(result.Lines, line => Assert.True(line.Length <= 100, line));
    }

    [Theory]
    [InlineData("summary resnet", "resnet: there is no such model")]
    [InlineData("summary alexnet --input 1,3,62,62", "AlexNet takes images of at least 63x63")]
    [InlineData("summary lenet --input 1,28,28", "--input 1,28,28")]
    [InlineData("time lenet --steps 0", "--steps 0")]
    [InlineData("time lenet --batch x", "--batch x")]
    public void A_bad_argument_is_named_and_exits_1(string arguments, string named)
    {
        CliResult result = CliProcess.Run(arguments.Split(' '));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        Assert.Contains("\n  try: ", result.Error, StringComparison.Ordinal);
    }
}
