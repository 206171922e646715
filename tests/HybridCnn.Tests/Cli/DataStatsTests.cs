using System.Security.Cryptography;
using System.Text.Json;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Cli;

/// <summary><c>hybridcnn data stats</c>: through it, the pixels of every picture format.</summary>
public class DataStatsTests
{
    [Fact]
    public void Grey_pictures_keep_every_byte()
    {
        using var folder = new TempFolder();
        byte[][] images = new byte[4][];
        for (int i = 0; i < 4; i++)
        {
            images[i] = new byte[6 * 9];
            new Random(i).NextBytes(images[i]);
            Directory.CreateDirectory(folder["train/a"]);
            Directory.CreateDirectory(folder["test/a"]);
            folder.Write($"train/a/{i}.png", GreyPng.Encode(images[i], 6, 9));
            folder.Write($"test/a/{i}.png", GreyPng.Encode(images[i], 6, 9));
        }

        CliResult result = CliProcess.Run("data", "stats", "image-folder", "--data-dir", folder.Path, "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement json = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        Assert.Equal((1, 6, 9), (json.GetProperty("channels").GetInt32(), json.GetProperty("height").GetInt32(), json.GetProperty("width").GetInt32()));
        string hash = Convert.ToHexStringLower(SHA256.HashData(images.SelectMany(i => i).ToArray()));
        Assert.Equal(hash, json.GetProperty("train_sha256").GetString());
        Assert.Equal(hash, json.GetProperty("test_sha256").GetString());
        // Three equal channels.
        CliResult colour = CliProcess.Run("data", "stats", "image-folder", "--data-dir", folder.Path, "--channels", "3", "--json");
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(images.SelectMany(i => i.Concat(i).Concat(i)).ToArray())),
            JsonDocument.Parse(colour.Lines[0]).RootElement.GetProperty("train_sha256").GetString());
    }

    [Fact]
    public void A_scaled_picture_is_cut_in_the_middle_and_averaged()
    {
        using var folder = new TempFolder();
        // 8 x 16: the outer columns are white and are cut off; what is left is a fine pattern whose mean is 100.
        var pixels = new byte[8 * 16];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = i % 16 is < 4 or >= 12 ? (byte)255 : (byte)((i + i / 16) % 2 * 200);
        foreach (string part in (string[])["train/a", "test/a"])
        {
            Directory.CreateDirectory(folder[part]);
            folder.Write($"{part}/1.png", GreyPng.Encode(pixels, 8, 16));
        }

        CliResult result = CliProcess.Run("data", "stats", "image-folder", "--data-dir", folder.Path, "--image-size", "4", "--json");
        JsonElement json = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        Assert.Equal(4, json.GetProperty("width").GetInt32());
        // Linear filtering lets a little of the white beside the cut in.
        Assert.InRange(json.GetProperty("mean")[0].GetDouble() * 255, 90, 135);
    }

    [SharedDataFact("cifar10")]
    public void Counts_measures_and_draws_cifar10()
    {
        using var folder = new TempFolder();
        CliResult result = CliProcess.Run("data", "stats", "cifar10", "--data-dir", SharedData.Part("cifar10")!, "--sheet", folder["sheet.png"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("cifar10: 20,000 training and 1,000 test images, 3x32x32, 10 classes", result.Output);
        Assert.Contains("airplane", result.Output);
        Assert.Matches(@"red\s+0\.49", result.Output);
        byte[] png = File.ReadAllBytes(folder["sheet.png"]);
        Assert.Equal([0x89, .. "PNG"u8], png[..4]);
        // Twelve images of 64 pixels a row, ten rows, gaps of two.
        Assert.Equal([0, 0, 3, 26, 0, 0, 2, 150], png[16..24]);
    }

    [SharedDataFact("image-folder-png")]
    public void Folders_train_and_test_are_taken_as_they_are()
    {
        CliResult result = CliProcess.Run("data", "stats", "image-folder", "--data-dir", SharedData.Part("image-folder-png")!);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("400 training and 200 test images, 1x28x28, 10 classes", result.Output);
    }
}
