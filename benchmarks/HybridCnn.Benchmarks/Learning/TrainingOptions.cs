using System.CommandLine;
using System.Globalization;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Benchmarks.Versus;
using HybridCnn.Data;

namespace HybridCnn.Benchmarks.Learning;

/// <summary>`versus --train`: whole trainings on both sides, compared by what the networks have learned.</summary>
internal sealed class TrainingOptions
{
    private const int WrongResult = 3;

    private readonly Option<string> _networks = new("--train")
    {
        Description = "Networks of --net that are trained on both sides, from the same weights on the same batches, and compared by their test accuracy. Measured alone; with the first number of --threads.",
    };

    private readonly Option<string> _data = new("--data") { Description = "Of --train: digits, mnist, fashion-mnist, cifar10.", DefaultValueFactory = _ => TrainingImages.Digits };
    private readonly Option<string?> _directory = new("--data-dir") { Description = "Of --train: the folder with the files of --data." };
    private readonly Option<int> _heldOut = new("--held-out") { Description = "Of --train: so many of the last training images are tested on instead." };
    private readonly Option<int> _epochs = new("--epochs") { Description = "Of --train.", DefaultValueFactory = _ => 5 };
    private readonly Option<string> _seeds = new("--seeds") { Description = "Of --train: each is a training on both sides.", DefaultValueFactory = _ => "1,2,3" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_networks, _data, _directory, _heldOut, _epochs, _seeds])
            command.Add(option);
    }

    /// <summary>Whether trainings were asked for.</summary>
    public bool IsAsked(ParseResult parsed) => parsed.GetValue(_networks) is { Length: > 0 };

    /// <summary>Trains everything; files are written anew after every seed, so that no way to end a run loses one that was complete.</summary>
    /// <returns>The exit code.</returns>
    public int Run(ParseResult parsed, int threads, int? batch, FileInfo? json, FileInfo? markdown)
    {
        if (Torch.Unavailable is { } reason)
        {
            Console.Error.WriteLine($"There is nobody to compare with: {reason}");
            return 1;
        }

        string[] networks = VersusCommand.Items(parsed.GetValue(_networks));
        ulong[] seeds = [.. VersusCommand.Items(parsed.GetValue(_seeds)).Select(seed => ulong.Parse(seed, CultureInfo.InvariantCulture))];
        TrainingPlan[] plans = [.. networks.Select(network => TrainingPlan.Of(network, parsed.GetValue(_epochs), batch, threads))];
        Torch.SetThreads(threads);
        (ImageDataset train, ImageDataset test) = TrainingImages.Load(parsed.GetRequiredValue(_data), parsed.GetValue(_directory), parsed.GetValue(_heldOut));
        Header header = Header.Gather([threads], $"{string.Join("; ", plans.Select(plan => $"{plan}"))}; {train.Count} training images, batches in turns");
        var rows = new List<TrainingRow>();
        foreach (string line in header.Lines())
            Console.WriteLine(line);
        foreach (TrainingPlan plan in plans)
        {
            Console.WriteLine($"{plan}");
            foreach (ulong seed in seeds)
            {
                try
                {
                    rows.Add(TrainingContest.Run(plan, train, test, seed));
                }
                catch (WrongResultException e)
                {
                    Console.Error.WriteLine(e.Message);
                    return WrongResult;
                }

                new TrainingReport(header, rows).Save(json, markdown);
            }
        }

        Console.WriteLine();
        Console.Write(new TrainingReport(header, rows).ToMarkdown());
        return 0;
    }
}
