namespace HybridCnn.Cli;

/// <summary>What the process returns; part of the public face (README, <c>--help</c>).</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command line, or a setting in the environment, cannot be carried out.</summary>
    public const int Usage = 1;

    /// <summary>A file is missing, damaged, or not what the command needs.</summary>
    public const int Data = 2;

    /// <summary>The loss is no longer a number.</summary>
    public const int Diverged = 3;

    /// <summary>Ctrl-C or SIGTERM; weights, report and a checkpoint to go on from are saved.</summary>
    public const int Interrupted = 4;

    /// <summary>A fault of the program itself.</summary>
    public const int Internal = 70;
}
