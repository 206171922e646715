namespace HybridCnn.Tests.Cli;

/// <summary>One short training without a break, of which every checkpoint stays: 2 epochs of 10 steps with all that a checkpoint must remember.</summary>
public sealed class CheckpointedRun : IDisposable
{
    internal static readonly string[] Settings =
    [
        "--limit", "320", "--epochs", "2", "--batch", "32", "--model", "lenet5", "--threads", "1",
        "--optimizer", "adam", "--ema", "0.9", "--schedule", "plateau", "--patience", "0", "--augment", "crop=2,mixup=0.2",
    ];

    public CheckpointedRun()
    {
        CliResult result = CliProcess.Run(["train", .. Settings, "--out", Folder, "--checkpoint-every", "1", "--keep-checkpoints", "100"]);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    /// <summary>A folder of this fixture's tests alone.</summary>
    public string Home { get; } = Directory.CreateTempSubdirectory("hybridcnn-checkpoints-").FullName;

    public string Folder => Path.Combine(Home, "whole");

    public string Checkpoint(int step) => Path.Combine(Folder, "checkpoints", $"step-{step:00000000}.safetensors");

    /// <summary>Compares weights bit for bit, and all figures that don't measure time or memory.</summary>
    public void AssertSame(string folder)
    {
        Assert.Equal(File.ReadAllBytes(Path.Combine(Folder, "weights.safetensors")), File.ReadAllBytes(Path.Combine(folder, "weights.safetensors")));
        Assert.Equal(Figures(Folder), Figures(folder));
    }

    /// <summary>A copy of the run with the checkpoints up to a step, as a break behind that step would leave it.</summary>
    public string CopyUpTo(int step, string name)
    {
        string folder = Path.Combine(Home, name);
        Directory.CreateDirectory(Path.Combine(folder, "checkpoints"));
        foreach (string file in new[] { "run.json", "metrics.csv", "metrics.jsonl" })
            File.Copy(Path.Combine(Folder, file), Path.Combine(folder, file));
        for (int i = 1; i <= step; i++)
            File.Copy(Checkpoint(i), Path.Combine(folder, "checkpoints", Path.GetFileName(Checkpoint(i))));
        return folder;
    }

    public void Dispose() => Directory.Delete(Home, recursive: true);

    // epoch, images, learning_rate, train_loss, train_accuracy, test_loss, test_accuracy
    private static string[] Figures(string folder) =>
        [.. File.ReadLines(Path.Combine(folder, "metrics.csv")).Select(line => string.Join(',', line.Split(',')[..7]))];
}
