using System.Text.Json;
using HybridCnn.IO;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Cli;

/// <summary>Training on files of each kind, from the command line.</summary>
public class DataTests
{
    [SharedDataFact("cifar10")]
    public void Trains_on_cifar10_varied_and_says_which_batches_are_missing()
    {
        using var folder = new TempFolder();
        CliResult result = CliProcess.Run(
            "train", "--data", "cifar10", "--data-dir", SharedData.Part("cifar10")!, "--limit", "256", "--batch", "32", "--epochs", "1", "--model", "lenet5",
            "--augment", "crop=4,flip,rotate,cutout=8", "--threads", "1", "--json", "--out", folder["run"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("note: data_batch_3.bin, data_batch_4.bin, data_batch_5.bin are missing", result.Error);
        JsonElement epoch = JsonDocument.Parse(result.Lines[1]).RootElement;
        Assert.InRange(epoch.GetProperty("data_wait").GetDouble(), 0, 1);
        Assert.Contains("--augment crop=4,flip,rotate,cutout=8", File.ReadAllText(Path.Combine(folder["run"], "run.json")));
        CliResult tested = CliProcess.Run("eval", Path.Combine(folder["run"], "weights.safetensors"), "--data-dir", SharedData.Part("cifar10")!, "--limit", "100");
        Assert.True(tested.ExitCode == 0, tested.Error);
    }

    [SharedDataFact("image-folder-jpg")]
    public void Trains_on_a_folder_of_photos_scaled_and_predicts_them()
    {
        using var folder = new TempFolder();
        string data = SharedData.Part("image-folder-jpg")!;
        CliResult result = CliProcess.Run(
            "train", "--data", "image-folder", "--data-dir", data, "--image-size", "28", "--epochs", "1", "--batch", "16", "--model", "lenet5", "--threads", "1", "--out", folder["run"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("320 training and 80 test images, 3x28x28, 10 classes", result.Output);
        string weights = Path.Combine(folder["run"], "weights.safetensors");
        Assert.Contains("80", CliProcess.Run("eval", weights, "--data-dir", data).Output);
        CliResult predicted = CliProcess.Run("predict", weights, Path.Combine(data, "cat", "0000.jpg"));
        Assert.True(predicted.ExitCode == 0, predicted.Error);
    }

    [Fact]
    public void The_data_thread_changes_no_bit_and_neither_does_its_depth()
    {
        using var folder = new TempFolder();
        byte[]? weights = null;
        foreach (string depth in (string[])["0", "1", "7"])
        {
            string run = folder[$"run{depth}"];
            CliResult result = CliProcess.Run(["train", .. TrainedRun.Settings, "--augment", "crop,flip,rotate,scale,shear,translate,cutout,mixup", "--prefetch", depth, "--out", run]);
            Assert.True(result.ExitCode == 0, result.Error);
            weights ??= File.ReadAllBytes(Path.Combine(run, "weights.safetensors"));
            Assert.Equal(weights, File.ReadAllBytes(Path.Combine(run, "weights.safetensors")));
        }
    }

    [Fact]
    public void A_bad_picture_ends_the_run_with_its_name_or_is_left_out_and_listed()
    {
        using var folder = new TempFolder();
        var pixels = new byte[28 * 28];
        foreach (string name in (string[])["no", "yes"])
        {
            Directory.CreateDirectory(folder[name]);
            for (int i = 0; i < 10; i++)
                folder.Write($"{name}/{i}.png", GreyPng.Encode(pixels, 28, 28));
        }

        byte[] whole = GreyPng.Encode([.. Enumerable.Range(0, 784).Select(i => (byte)(i * 37))], 28, 28);
        folder.Write("yes/3.png", whole[..(whole.Length / 2)]);
        folder.Write("no/7.jpg", [1, 2, 3]);
        string[] arguments = ["train", "--data", "image-folder", "--data-dir", folder.Path, "--epochs", "1", "--batch", "4", "--model", "lenet5", "--threads", "1"];
        CliResult failed = CliProcess.Run(arguments);
        Assert.Equal(2, failed.ExitCode);
        Assert.Contains(folder["no/7.jpg"], failed.Error);
        CliResult result = CliProcess.Run([.. arguments, "--skip-bad", "--out", folder["run"]]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("note: 2 bad images were left out:", result.Error);
        Assert.Contains(folder["no/7.jpg"], result.Error);
        Assert.Contains(folder["yes/3.png"], result.Error);
    }

    [Fact]
    public void Trains_on_arrays()
    {
        using var folder = new TempFolder();
        var images = new NpyArray(Enumerable.Range(0, 32 * 784).Select(i => (byte)(i * 31)).ToArray(), [32, 28, 28]);
        var labels = new NpyArray(Enumerable.Range(0, 32).Select(i => i % 3).ToArray(), [32]);
        Npz.Write(folder["a.npz"], [("x_train", images), ("y_train", labels), ("x_test", images), ("y_test", labels)]);
        CliResult result = CliProcess.Run(
            "train", "--data", "arrays", "--data-dir", folder["a.npz"], "--epochs", "1", "--batch", "8", "--model", "lenet5", "--threads", "1", "--out", folder["run"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("arrays: 32 training and 32 test images, 1x28x28, 3 classes", result.Output);
        Assert.Contains("data wait", result.Output);
    }
}
