using System.Text.Json;

namespace HybridCnn.Tests.Cli;

/// <summary>The options of train that say how weights are changed.</summary>
public sealed class RecipeTests : IDisposable
{
    private const int Epochs = 4, StepsPerEpoch = 2;

    private readonly string _home = Directory.CreateTempSubdirectory("hybridcnn-recipe-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData("--loss hinge", "--loss hinge")]
    [InlineData("--optimizer adagrad", "--optimizer adagrad")]
    [InlineData("--schedule exponential", "--schedule exponential")]
    [InlineData("--label-smoothing 1", "--label-smoothing 1")]
    [InlineData("--clip-norm 0", "--clip-norm 0")]
    [InlineData("--clip-value -1", "--clip-value -1")]
    [InlineData("--ema 1", "--ema 1")]
    [InlineData("--gamma 2 --schedule step", "--gamma 2")]
    [InlineData("--weight-decay -1", "--weight-decay -1")]
    [InlineData("--warmup x", "--warmup x")]
    [InlineData("--milestones 3,2 --schedule multistep", "--milestones 3,2")]
    [InlineData("--label-smoothing 0.1 --loss bce", "--label-smoothing 0.1: --loss bce doesn't use it")]
    [InlineData("--momentum 0.9 --optimizer adam", "--momentum 0.9: --optimizer adam doesn't use it")]
    [InlineData("--nesterov --optimizer rmsprop", "--nesterov: --optimizer rmsprop doesn't use it")]
    [InlineData("--nesterov --momentum 0", "--nesterov: with --momentum 0")]
    [InlineData("--gamma 0.5", "--gamma 0.5: --schedule cosine doesn't use it")]
    [InlineData("--patience 3", "--patience 3: --schedule cosine doesn't use it")]
    [InlineData("--power 2 --schedule step", "--power 2: --schedule step doesn't use it")]
    [InlineData("--step-epochs 2 --schedule plateau", "--step-epochs 2: --schedule plateau doesn't use it")]
    [InlineData("--milestones 1", "--milestones 1: --schedule cosine doesn't use it")]
    [InlineData("--schedule multistep", "--schedule multistep: it isn't said when")]
    [InlineData("--schedule multistep --milestones 2,4", "--milestones 4: the training has only 4 epochs")]
    [InlineData("--schedule multistep --milestones 1 --warmup 2", "--milestones 1: the warm-up lasts 2 epochs")]
    [InlineData("--warmup 4", "--warmup 4: the training has only 4 epochs")]
    public void A_bad_argument_is_named_with_what_to_do_and_exits_1(string arguments, string named)
    {
        CliResult result = CliProcess.Run(["train", .. arguments.Split(' '), "--epochs", "4", "--out", Path.Combine(_home, "none")]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(named, result.Error);
        Assert.Contains("\n  try: ", result.Error);
        Assert.False(Directory.Exists(Path.Combine(_home, "none")));
    }

    // The learning rate of each epoch's last step, counted from 0: steps 1, 3, 5 and 7 of 8.
    [Theory]
    [InlineData("--schedule constant", "1 1 1 1")]
    [InlineData("--lr-schedule constant", "1 1 1 1")]
    [InlineData("--schedule cosine", "0.96194 0.69134 0.30866 0.03806")]
    [InlineData("--schedule polynomial", "0.875 0.625 0.375 0.125")]
    [InlineData("--schedule polynomial --power 2", "0.765625 0.390625 0.140625 0.015625")]
    [InlineData("--schedule step", "1 1 0.1 0.1")]
    [InlineData("--schedule step --step-epochs 1 --gamma 0.5", "1 0.5 0.25 0.125")]
    [InlineData("--schedule multistep --milestones 1,3", "1 0.1 0.1 0.01")]
    [InlineData("--schedule polynomial --warmup 1", "0.505 0.83333 0.5 0.16667")]
    [InlineData("--schedule multistep --milestones 2,3 --warmup 1", "0.505 1 0.1 0.01")]
    [InlineData("--schedule one-cycle --warmup 2", "0.28 1 0.5 0.000004")]
    public void The_learning_rate_follows_the_schedule(string arguments, string rates)
    {
        double[] expected = [.. rates.Split(' ').Select(text => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture))];
        string folder = Run($"--lr 0.001 {arguments}");
        double[] got = [.. File.ReadAllLines(Path.Combine(folder, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("learning_rate").GetDouble())];
        Assert.Equal(Epochs, got.Length);
        for (int epoch = 0; epoch < Epochs; epoch++)
            Assert.Equal(expected[epoch], got[epoch] * 1000, 1e-5);
    }

    [Theory]
    [InlineData("--optimizer sgd --nesterov --weight-decay 5e-4 --decay-on all", "SGD lr 0.02 cosine, Nesterov momentum 0.9, weight decay 0.0005")]
    [InlineData("--optimizer adam --loss bce", "Adam lr 0.001 cosine, weight decay 0")]
    [InlineData("--optimizer adamw --label-smoothing 0.1 --clip-norm 1 --ema 0.9", "AdamW lr 0.001 cosine, weight decay 0.01, gradients up to norm 1, weights averaged 0.9")]
    [InlineData("--optimizer rmsprop --loss mse --clip-value 0.5", "RMSprop lr 0.001 cosine, momentum 0, weight decay 0, gradients up to 0.5")]
    [InlineData("--optimizer lars --schedule plateau --patience 0 --warmup 1", "LARS lr 0.05 plateau, warm-up 1 epochs, momentum 0.9, weight decay 0")]
    public void Every_recipe_trains_says_what_it_is_and_can_be_repeated(string arguments, string words)
    {
        string folder = Run(arguments), again = Path.Combine(_home, "again");
        Assert.Contains(words, File.ReadAllText(Path.Combine(folder, "report.html")));
        JsonElement run = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json"))).RootElement;
        string[] command = run.GetProperty("command_line").GetString()!.Split(' ');
        CliResult result = CliProcess.Run([.. command[1..], "--out", again]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains(words, result.Output);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "weights.safetensors")), File.ReadAllBytes(Path.Combine(again, "weights.safetensors")));
    }

    [Fact]
    public void Averages_are_tested_and_saved()
    {
        string folder = Run("--ema 0.9"), plain = Run("");
        string weights = Path.Combine(folder, "weights.safetensors");
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(plain, "weights.safetensors")), File.ReadAllBytes(weights));
        CliResult eval = CliProcess.Run("eval", weights, "--limit", "64", "--json");
        Assert.Equal(0, eval.ExitCode);
        double loss = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json"))).RootElement.GetProperty("result").GetProperty("test_loss").GetDouble();
        Assert.Equal(loss, JsonDocument.Parse(eval.Output).RootElement.GetProperty("loss").GetDouble(), 1e-4);
    }

    private string Run(string arguments)
    {
        string folder = Path.Combine(_home, $"run{Directory.GetDirectories(_home).Length}");
        string[] words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        CliResult result = CliProcess.Run(["train", "--limit", "64", "--batch", $"{64 / StepsPerEpoch}", "--epochs", $"{Epochs}", "--model", "lenet5", "--threads", "1", "--out", folder, .. words]);
        Assert.True(result.ExitCode == 0, result.Error);
        return folder;
    }
}
