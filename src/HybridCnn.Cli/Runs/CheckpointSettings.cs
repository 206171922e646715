namespace HybridCnn.Cli.Runs;

/// <summary>When a run is saved so that it can be resumed, and how many of these checkpoints stay.</summary>
internal sealed record CheckpointSettings
{
    public const int DefaultKeep = 3;

    public const string Epoch = "epoch", Never = "never";

    /// <summary>"epoch", "never", or a number of steps.</summary>
    public string Every { get; init; } = Epoch;

    /// <summary>So many of the latest stay, besides the best.</summary>
    public int Keep { get; init; } = DefaultKeep;

    /// <summary>Whether a checkpoint is due after a step, or after the epoch that it ends.</summary>
    public bool IsDue(long step, bool endOfEpoch) => int.TryParse(Every, out int steps) ? step % steps == 0 : endOfEpoch && Every == Epoch;

    /// <summary>Whether a text is one that <see cref="Every"/> may have.</summary>
    public static bool IsEvery(string text) => text is Epoch or Never || (int.TryParse(text, out int steps) && steps > 0);

    /// <summary>The options that say the same, each with a space before it.</summary>
    public string CommandLine() => (Every == Epoch ? "" : $" --checkpoint-every {Every}") + (Keep == DefaultKeep ? "" : $" --keep-checkpoints {Keep}");
}
