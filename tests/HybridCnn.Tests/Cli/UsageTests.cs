using System.Text.Json;

namespace HybridCnn.Tests.Cli;

public class UsageTests
{
    [Theory]
    [InlineData("--epochs 0", "--epochs 0")]
    [InlineData("--epochs many", "--epochs many")]
    [InlineData("--batch -3", "--batch -3")]
    [InlineData("--lr -1", "--lr -1")]
    [InlineData("--lr NaN", "--lr NaN")]
    [InlineData("--momentum 1", "--momentum 1")]
    [InlineData("--seed x", "--seed x")]
    [InlineData("--threads 65", "--threads 65")]
    [InlineData("--model alexnet", "alexnet")]
    [InlineData("--precision half", "--precision half")]
    [InlineData("--data cifar", "cifar")]
    [InlineData("--data cifar10", "--data-dir")]
    [InlineData("--augment crop,flop", "flop")]
    [InlineData("--augment crop=1.5", "crop")]
    [InlineData("--augment cutout=29", "Cutout")]
    [InlineData("--image-size 0", "--image-size 0")]
    [InlineData("--image-size 32", "image-folder")]
    [InlineData("--test-share 1", "--test-share 1")]
    [InlineData("--prefetch 65", "--prefetch 65")]
    [InlineData("--data mnist", "--data-dir")]
    [InlineData("--data-dir .", "--data-dir .")]
    [InlineData("--limit 10", "--batch 64")]
    [InlineData("--epoch 3", "--epochs")]
    [InlineData("--lr", "--lr")]
    [InlineData("--blas-core NoSuchCore", "NoSuchCore")]
    public void A_bad_argument_of_train_is_named_with_what_to_do_and_exits_1(string arguments, string named)
    {
        CliResult result = CliProcess.Run(["train", .. arguments.Split(' ')]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(named, result.Error);
        Assert.Contains("error: ", result.Error);
        Assert.Contains("\n  try: ", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
        Assert.Empty(result.Output);
    }

    [Fact]
    public void With_json_an_error_is_a_line_of_json_too()
    {
        CliResult result = CliProcess.Run("train", "--epochs", "0", "--json");
        JsonElement json = JsonDocument.Parse(Assert.Single(result.Lines)).RootElement;
        Assert.Equal("error", json.GetProperty("event").GetString());
        Assert.Equal(1, json.GetProperty("exit_code").GetInt32());
    }

    [Fact]
    public void Damaged_or_missing_data_exits_2_and_names_the_file()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hybridcnn-data-");
        try
        {
            CliResult missing = CliProcess.Run("train", "--data", "mnist", "--data-dir", folder.FullName);
            Assert.Equal(2, missing.ExitCode);
            Assert.Contains("train-images", missing.Error);
            foreach (string name in new[] { "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" })
                File.WriteAllBytes(Path.Combine(folder.FullName, name), [0, 0, 8, 3, 0, 0]);
            CliResult damaged = CliProcess.Run("train", "--data", "mnist", "--data-dir", folder.FullName);
            Assert.Equal(2, damaged.ExitCode);
            Assert.Contains("-ubyte", damaged.Error);
            Assert.Contains("expected", damaged.Error);
            Assert.DoesNotContain("   at ", damaged.Error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("train", "--data --data-dir --model --epochs --batch --lr --lr-schedule --schedule --loss --label-smoothing --optimizer --momentum --nesterov --weight-decay --decay-on --warmup --gamma --step-epochs --milestones --power --patience --clip-norm --clip-value --ema --seed --threads --precision --deterministic --blas-core --limit --out --json --no-progress --augment --image-size --channels --test-share --skip-bad --prefetch --checkpoint-every --keep-checkpoints --resume --init --early-stop image-folder arrays cifar100")]
    [InlineData("eval", "--data --data-dir --image-size --channels --skip-bad --limit --threads --blas-core --json <weights>")]
    [InlineData("export", "--out --average --json <source>")]
    [InlineData("data download", "--data-dir --mirror <name> cifar100")]
    [InlineData("data verify", "--data-dir --json <name>")]
    [InlineData("data stats", "--data-dir --sheet --image-size --limit --json <name>")]
    [InlineData("predict", "--invert --threads --blas-core --json <weights> <files>")]
    public void Help_names_every_option_and_teaches(string command, string options)
    {
        CliResult result = CliProcess.Run([.. command.Split(' '), "--help"]);
        Assert.Equal(0, result.ExitCode);
        Assert.All(options.Split(' '), option => Assert.Contains(option, result.Output));
        Assert.Contains("Examples:", result.Output);
        Assert.Contains($"hybridcnn {command} ", result.Output);
    }

    [Fact]
    public void Without_arguments_it_prints_help_with_exit_codes_and_environment()
    {
        CliResult result = CliProcess.Run();
        Assert.Equal(0, result.ExitCode);
        foreach (string word in new[] { "train", "eval", "predict", "doctor", "Exit codes:", "Environment:", "NO_COLOR", "HYBRIDCNN_NUM_THREADS" })
            Assert.Contains(word, result.Output);
    }
}
