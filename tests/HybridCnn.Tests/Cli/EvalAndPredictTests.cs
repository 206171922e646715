using System.Text.Json;
using HybridCnn.Data;

namespace HybridCnn.Tests.Cli;

public class EvalAndPredictTests(TrainedRun run) : IClassFixture<TrainedRun>
{
    [Fact]
    public void Eval_finds_the_figures_that_training_ended_with()
    {
        JsonElement end = JsonDocument.Parse(run.Result.Lines[^1]).RootElement.GetProperty("result");
        CliResult result = CliProcess.Run("eval", run.Weights, "--limit", "320", "--json", "--threads", "1");
        Assert.Equal(0, result.ExitCode);
        JsonElement json = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        Assert.Equal(end.GetProperty("test_accuracy").GetDouble(), json.GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.Equal(end.GetProperty("test_loss").GetDouble(), json.GetProperty("loss").GetDouble(), 1e-5);
        Assert.Equal(320, json.GetProperty("confusion").EnumerateArray().Sum(row => row.EnumerateArray().Sum(cell => cell.GetInt32())));
    }

    [Fact]
    public void Eval_prints_a_row_per_class_and_a_confusion_matrix()
    {
        CliResult result = CliProcess.Run("eval", run.Weights, "--limit", "64");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("of 64 test images", result.Output);
        for (int digit = 0; digit < 10; digit++)
            Assert.Equal(2, result.Lines.Count(line => line.StartsWith($"{digit} ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Predict_gives_the_same_answer_for_a_dark_drawing_on_a_bright_ground_and_says_so()
    {
        byte[] pixels = SyntheticDigits.Generate(1, 10, 10).Test.Image(3).ToArray();
        string bright = Path.Combine(run.Home, "bright.png"), dark = Path.Combine(run.Home, "dark.png");
        File.WriteAllBytes(bright, GreyPng.Encode(pixels, 28, 28));
        File.WriteAllBytes(dark, GreyPng.Encode([.. pixels.Select(p => (byte)(255 - p))], 28, 28));
        JsonElement[] answers = [.. CliProcess.Run("predict", run.Weights, bright, dark, "--json").Lines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal([false, true], answers.Select(a => a.GetProperty("inverted").GetBoolean()));
        Assert.Equal(3, answers[0].GetProperty("predictions").GetArrayLength());
        Assert.Equal(answers[0].GetProperty("predictions").GetRawText(), answers[1].GetProperty("predictions").GetRawText());

        string text = CliProcess.Run("predict", run.Weights, dark).Output;
        Assert.Contains("inverted", text);
        JsonElement left = JsonDocument.Parse(CliProcess.Run("predict", run.Weights, dark, "--invert", "no", "--json").Output).RootElement;
        Assert.False(left.GetProperty("inverted").GetBoolean());
        Assert.NotEqual(answers[0].GetProperty("predictions").GetRawText(), left.GetProperty("predictions").GetRawText());
    }

    [Fact]
    public void A_large_picture_gives_nearly_the_answer_of_the_small_one()
    {
        byte[] pixels = SyntheticDigits.Generate(1, 10, 10).Test.Image(5).ToArray();
        byte[] large = [.. Enumerable.Range(0, 280 * 280).Select(i => pixels[i / 280 / 10 * 28 + i % 280 / 10])];
        string small = Path.Combine(run.Home, "small.png"), big = Path.Combine(run.Home, "large.png");
        File.WriteAllBytes(small, GreyPng.Encode(pixels, 28, 28));
        File.WriteAllBytes(big, GreyPng.Encode(large, 280, 280));
        JsonElement[] best = [.. CliProcess.Run("predict", run.Weights, small, big, "--json").Lines
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("predictions")[0])];
        Assert.Equal(best[0].GetProperty("class").GetString(), best[1].GetProperty("class").GetString());
        Assert.Equal(best[0].GetProperty("probability").GetDouble(), best[1].GetProperty("probability").GetDouble(), 0.1);
    }

    [Fact]
    public void A_file_that_is_no_picture_or_no_weights_is_named_in_the_error()
    {
        string text = Path.Combine(run.Home, "text.png");
        File.WriteAllText(text, "not a picture");
        CliResult picture = CliProcess.Run("predict", run.Weights, text);
        Assert.Equal(2, picture.ExitCode);
        Assert.Contains($"error: {text}", picture.Error);
        CliResult weights = CliProcess.Run("eval", text);
        Assert.Equal(2, weights.ExitCode);
        Assert.Contains(text, weights.Error);
        CliResult missing = CliProcess.Run("predict", Path.Combine(run.Home, "none.safetensors"), text);
        Assert.Equal(2, missing.ExitCode);
    }
}
