using System.CommandLine;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Commands;

/// <summary>The options that say when a training is saved so that it can be resumed.</summary>
internal sealed class CheckpointOptions
{
    private readonly Option<string> _every = new("--checkpoint-every")
    {
        Description = "Save all that the training needs to go on: after every epoch, after so many steps, or never.",
        DefaultValueFactory = _ => CheckpointSettings.Epoch,
        HelpName = "n|epoch|never",
    };

    private readonly Option<int> _keep = CommonOptions.WholeNumber("--keep-checkpoints", "So many of the latest checkpoints stay, besides the one with the best test accuracy.", CheckpointSettings.DefaultKeep, 1, 1_000_000);

    public CheckpointOptions() => _every.Validators.Add(result =>
    {
        if (result.Tokens is [var every] && !CheckpointSettings.IsEvery(every.Value))
            result.AddError($"--checkpoint-every {every.Value}: expected a number of steps of at least 1, epoch or never.");
    });

    public void AddTo(Command command)
    {
        command.Add(_every);
        command.Add(_keep);
    }

    public CheckpointSettings Read(ParseResult parsed) => new() { Every = parsed.GetValue(_every)!, Keep = parsed.GetValue(_keep) };
}
