namespace HybridCnn.Tests.Cli;

/// <summary>One short training that several tests look at.</summary>
public sealed class TrainedRun : IDisposable
{
    internal static readonly string[] Settings = ["--limit", "320", "--epochs", "2", "--batch", "32", "--model", "lenet5", "--threads", "1"];

    public TrainedRun()
    {
        Result = CliProcess.Run(["train", .. Settings, "--json", "--out", Folder]);
        Assert.True(Result.ExitCode == 0, Result.Error);
    }

    /// <summary>A folder of this fixture's tests alone.</summary>
    public string Home { get; } = Directory.CreateTempSubdirectory("hybridcnn-cli-").FullName;

    public string Folder => Path.Combine(Home, "run");

    public string Weights => File("weights.safetensors");

    internal CliResult Result { get; }

    public string File(string name) => Path.Combine(Folder, name);

    public void Dispose() => Directory.Delete(Home, recursive: true);
}
