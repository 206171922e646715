using System.Text.Json;
using HybridCnn.IO;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Cli;

/// <summary>Weights out of runs and checkpoints, and into new runs; and the end of a run that gets no better.</summary>
public class ExportTests(CheckpointedRun run) : IClassFixture<CheckpointedRun>
{
    // The run averages its weights, and saves the averages in the end.
    [Fact]
    public void The_averages_of_the_last_checkpoint_are_the_weights_of_the_run_byte_for_byte()
    {
        string averages = Path.Combine(run.Home, "averages.safetensors"), trained = Path.Combine(run.Home, "trained.safetensors");
        JsonElement told = JsonDocument.Parse(Export(0, run.Checkpoint(20), averages, "--json").Lines.Single()).RootElement;
        Assert.Equal("export", told.GetProperty("event").GetString());
        Assert.True(told.GetProperty("averaged").GetBoolean());
        Assert.Equal(61_706, told.GetProperty("elements").GetInt64());
        byte[] weights = File.ReadAllBytes(Path.Combine(run.Folder, "weights.safetensors"));
        Assert.Equal(weights, File.ReadAllBytes(averages));
        Export(0, run.Checkpoint(20), trained, "--average", "no");
        Assert.NotEqual(weights, File.ReadAllBytes(trained));
        Assert.Contains("exists already", Export(1, run.Checkpoint(20), trained).Error);
        Assert.Contains("holds no averages", Export(2, run.Folder, Path.Combine(run.Home, "none.npz"), "--average", "yes").Error);
        Assert.Contains("ends in .safetensors or .npz", Export(1, run.Folder, Path.Combine(run.Home, "weights.pt")).Error);
    }

    [Fact]
    public void A_run_that_has_not_ended_gives_its_latest_checkpoint_as_npz()
    {
        string folder = run.CopyUpTo(20, "unfinished"), file = Path.Combine(run.Home, "unfinished.npz");
        Assert.Contains("step-00000020", Export(0, folder, file).Output);
        IReadOnlyDictionary<string, NpyArray> arrays = Npz.Read(file);
        IReadOnlyDictionary<string, Tensor> weights = SafeTensors.Read(Path.Combine(run.Folder, "weights.safetensors"));
        Assert.Equal(weights.Keys.Order(), arrays.Keys.Order());
        Assert.All(weights, pair => Assert.Equal(pair.Value.Span.ToArray(), (float[])arrays[pair.Key].Values));
    }

    [Fact]
    public void A_run_starts_from_weights_and_lists_what_it_could_not_take()
    {
        IReadOnlyDictionary<string, Tensor> weights = SafeTensors.Read(Path.Combine(run.Folder, "weights.safetensors"));
        string missing = weights.Keys.Last(), part = Path.Combine(run.Home, "part.safetensors"), folder = Path.Combine(run.Home, "from-weights");
        SafeTensors.Write(part, weights.Where(pair => pair.Key != missing).Select(pair => (pair.Key, pair.Value)));
        CliResult result = CliProcess.Run("train", "--model", "lenet5", "--limit", "64", "--epochs", "1", "--lr", "0", "--threads", "1", "--init", part, "--out", folder);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"note: the weights are from {part}, but for 1 that don't fit:", result.Error);
        Assert.Contains($"  {missing} ", result.Error);
        IReadOnlyDictionary<string, Tensor> after = SafeTensors.Read(Path.Combine(folder, "weights.safetensors"));
        Assert.All(weights.Where(pair => pair.Key != missing), pair => Assert.Equal(pair.Value.Span.ToArray(), after[pair.Key].Span.ToArray()));
    }

    [Fact]
    public void A_run_that_gets_no_better_stops_and_stays_so_when_it_is_resumed()
    {
        // A learning rate of 0: the second epoch and the third are what the first was.
        string folder = Path.Combine(run.Home, "stopped");
        string[] command = ["train", "--model", "lenet5", "--limit", "64", "--epochs", "9", "--lr", "0", "--threads", "1", "--early-stop", "2", "--resume", "auto", "--out", folder, "--json"];
        foreach (int epochs in new[] { 3, 0 })
        {
            CliResult result = CliProcess.Run(command);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Equal(epochs, result.Lines.Count(line => line.Contains("\"event\":\"epoch\"", StringComparison.Ordinal)));
            JsonElement end = JsonDocument.Parse(result.Lines[^1]).RootElement.GetProperty("result");
            Assert.Equal("stopped", end.GetProperty("status").GetString());
            Assert.Equal(1, end.GetProperty("best_epoch").GetInt32());
        }

        Assert.Contains("stopped, 1 break", CliProcess.Run("report", folder, "--out", Path.Combine(run.Home, "stopped.html")).Output);
    }

    private static CliResult Export(int code, string source, string output, params string[] arguments)
    {
        CliResult result = CliProcess.Run(["export", source, "--out", output, .. arguments]);
        Assert.True(result.ExitCode == code, result.Error);
        return result;
    }
}
