using System.Text.Json;
using HybridCnn.IO;

namespace HybridCnn.Tests.Cli;

public class TrainTests(TrainedRun run) : IClassFixture<TrainedRun>
{
    [Fact]
    public void Json_output_is_one_object_per_line_and_nothing_else()
    {
        string[] events = [.. run.Result.Lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!)];
        Assert.Equal(["start", "epoch", "epoch", "end"], events);
        JsonElement start = JsonDocument.Parse(run.Result.Lines[0]).RootElement;
        Assert.Equal(320, start.GetProperty("settings").GetProperty("limit").GetInt32());
        Assert.Equal(1, start.GetProperty("machine").GetProperty("threads").GetInt32());
        Assert.NotEqual("", start.GetProperty("machine").GetProperty("blas").GetString());
    }

    [Fact]
    public void The_run_folder_holds_all_its_files_and_no_leftovers() => Assert.Equal(
        ["metrics.csv", "metrics.jsonl", "report.html", "run.json", "weights.safetensors"],
        Directory.GetFiles(run.Folder).Select(Path.GetFileName).Order());

    [Fact]
    public void Metrics_have_a_row_per_epoch_with_the_same_figures_in_both_files()
    {
        string[] csv = File.ReadAllLines(run.File("metrics.csv"));
        string[] json = File.ReadAllLines(run.File("metrics.jsonl"));
        Assert.Equal(3, csv.Length);
        Assert.Equal(2, json.Length);
        string[] names = csv[0].Split(',');
        for (int epoch = 0; epoch < 2; epoch++)
        {
            string[] fields = csv[epoch + 1].Split(',');
            JsonElement row = JsonDocument.Parse(json[epoch]).RootElement;
            Assert.Equal(epoch + 1, row.GetProperty("epoch").GetInt32());
            foreach (string name in names)
                Assert.Equal(row.GetProperty(name).GetDouble(), double.Parse(fields[Array.IndexOf(names, name)]), 0.05);
        }
    }

    [Fact]
    public void Run_json_holds_settings_machine_and_result()
    {
        JsonElement json = JsonDocument.Parse(File.ReadAllText(run.File("run.json"))).RootElement;
        Assert.Equal("lenet5", json.GetProperty("settings").GetProperty("model").GetString());
        foreach (string name in new[] { "processor", "blas", "threads_reason", "dot_net", "hybrid_cnn", "pins" })
            Assert.True(json.GetProperty("machine").TryGetProperty(name, out _), name);
        Assert.Equal("completed", json.GetProperty("result").GetProperty("status").GetString());
        Assert.Equal(640, json.GetProperty("result").GetProperty("images_trained").GetInt64());
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_byte_for_byte_and_another_seed_others()
    {
        string again = Path.Combine(run.Home, "again"), other = Path.Combine(run.Home, "other");
        Assert.Equal(0, CliProcess.Run(["train", .. TrainedRun.Settings, "--out", again]).ExitCode);
        Assert.Equal(0, CliProcess.Run(["train", .. TrainedRun.Settings, "--seed", "2", "--out", other]).ExitCode);
        byte[] weights = File.ReadAllBytes(run.Weights);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(again, "weights.safetensors")));
        Assert.NotEqual(weights, File.ReadAllBytes(Path.Combine(other, "weights.safetensors")));
    }

    [Fact]
    public void Deterministic_training_gives_the_same_weights_for_any_number_of_threads_and_says_how_it_computed()
    {
        byte[][] weights = [.. new[] { "1", "2" }.Select(threads =>
        {
            string folder = Path.Combine(run.Home, $"deterministic-{threads}");
            string[] settings = ["--limit", "128", "--epochs", "1", "--batch", "32", "--model", "vgg-cifar", "--threads", threads, "--precision", "precise", "--deterministic"];
            CliResult result = CliProcess.Run(["train", .. settings, "--out", folder]);
            Assert.True(result.ExitCode == 0, result.Error);
            JsonElement json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json"))).RootElement;
            Assert.Equal("precise", json.GetProperty("settings").GetProperty("precision").GetString());
            Assert.True(json.GetProperty("settings").GetProperty("deterministic").GetBoolean());
            Assert.Contains("--precision precise --deterministic", json.GetProperty("command_line").GetString());
            return File.ReadAllBytes(Path.Combine(folder, "weights.safetensors"));
        })];
        Assert.Equal(weights[0], weights[1]);
        Assert.Equal(0, CliProcess.Run("eval", Path.Combine(run.Home, "deterministic-1", "weights.safetensors"), "--limit", "64").ExitCode);
    }

    [Fact]
    public void A_folder_that_is_in_use_is_refused_and_left_alone()
    {
        DateTime written = File.GetLastWriteTimeUtc(run.Weights);
        CliResult result = CliProcess.Run(["train", .. TrainedRun.Settings, "--out", run.Folder]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("exists already", result.Error);
        Assert.Equal(written, File.GetLastWriteTimeUtc(run.Weights));
    }

    [Fact]
    public void Plain_output_says_settings_machine_and_outcome_without_control_characters()
    {
        string folder = Path.Combine(run.Home, "plain");
        CliResult result = CliProcess.Run("train", "--limit", "64", "--epochs", "1", "--out", folder);
        Assert.Equal(0, result.ExitCode);
        foreach (string word in new[] { "64 training", "lenet", "lr 0.02", "seed 1", "threads ", "blas ", "epoch ", "test accuracy", "report.html" })
            Assert.Contains(word, result.Output);
        Assert.DoesNotContain('\e', result.Output);
        Assert.DoesNotContain('\r', result.Output.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void A_learning_rate_beyond_reason_ends_as_diverged()
    {
        string folder = Path.Combine(run.Home, "diverged");
        CliResult result = CliProcess.Run("train", "--limit", "128", "--epochs", "3", "--lr", "1e20", "--out", folder);
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("error: Training diverged", result.Error);
        Assert.Contains("try: Lower --lr", result.Error);
        Assert.False(File.Exists(Path.Combine(folder, "weights.safetensors")));
        Assert.Contains("Diverged after", File.ReadAllText(Path.Combine(folder, "report.html")));
        Assert.Contains("\"diverged\"", File.ReadAllText(Path.Combine(folder, "run.json")));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_ends_the_training_and_saves_weights_and_report(string signal)
    {
        // Windows has no way to send another process a Ctrl-C; started in the background, a test run and its children ignore it.
        if (OperatingSystem.IsWindows() || (signal == "INT" && IgnoresInterrupt()))
            return;
        string folder = Path.Combine(run.Home, signal);
        CliResult result = CliProcess.Interrupt(
            signal, "\"epoch\"", "train", "--limit", "320", "--epochs", "100000", "--model", "lenet5", "--json", "--out", folder);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("\"status\":\"interrupted\"", result.Lines[^1]);
        Assert.Equal("lenet5", Weights.Describe(Path.Combine(folder, "weights.safetensors")).Model);
        Assert.Contains("Interrupted after", File.ReadAllText(Path.Combine(folder, "report.html")));
        Assert.Equal(0, CliProcess.Run("eval", Path.Combine(folder, "weights.safetensors"), "--limit", "64").ExitCode);
    }

    private static bool IgnoresInterrupt()
    {
        const string status = "/proc/self/status";
        if (!File.Exists(status))
            return false;
        string ignored = File.ReadLines(status).Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..].Trim();
        return (Convert.ToUInt64(ignored, 16) & 2) != 0;
    }

    [Fact]
    public void Activations_that_are_computed_again_change_no_bit()
    {
        string home = Directory.CreateTempSubdirectory("hybridcnn-recompute-").FullName;
        try
        {
            string[] settings = ["train", "--model", "resnet20", "--limit", "48", "--batch", "16", "--epochs", "1", "--threads", "1", "--checkpoint-every", "never", "--out"];
            (string kept, string again) = (Path.Combine(home, "kept"), Path.Combine(home, "again"));
            Assert.Equal(0, CliProcess.Run([.. settings, kept]).ExitCode);
            CliResult result = CliProcess.Run([.. settings, again, "--recompute"]);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Contains("activations inside blocks computed again", result.Output);
            Assert.Contains("activations inside blocks computed again", File.ReadAllText(Path.Combine(again, "report.html")));
            Assert.Contains(" --recompute", File.ReadAllText(Path.Combine(again, "run.json")));
            Assert.Equal(File.ReadAllBytes(Path.Combine(kept, "weights.safetensors")), File.ReadAllBytes(Path.Combine(again, "weights.safetensors")));
            CliResult flat = CliProcess.Run("train", "--model", "lenet5", "--recompute", "--out", Path.Combine(home, "flat"));
            Assert.Equal(1, flat.ExitCode);
            Assert.Contains("lenet5 has no blocks inside", flat.Error);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }
}
