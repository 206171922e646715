using HybridCnn.Compute;

namespace HybridCnn.Cli.Runs;

/// <summary>All that decides a training run; with the same machine and number of threads, the run's bits follow from it.</summary>
internal sealed record TrainSettings
{
    public required string Data { get; init; }

    public string? DataDirectory { get; init; }

    public required string Model { get; init; }

    public required int Epochs { get; init; }

    public required int Batch { get; init; }

    public required Recipe Recipe { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>As asked for; 0 = decided by the machine.</summary>
    public required int Threads { get; init; }

    /// <summary>"fast", "precise" or "exact": how far the convolutions may round.</summary>
    public required string Precision { get; init; }

    /// <summary>Whether the bits are the same for any number of threads.</summary>
    public required bool Deterministic { get; init; }

    /// <summary>Whether the activations inside blocks are computed again in the backward pass.</summary>
    public bool Recompute { get; init; }

    /// <summary>Whether the algorithms of the convolutions are chosen by measuring.</summary>
    public required bool Tune { get; init; }

    /// <summary>Where what was measured is kept; null = in the user's folder for caches.</summary>
    public string? TuneCache { get; init; }

    /// <summary>As asked for; null = whatever OpenBLAS and the environment say.</summary>
    public string? BlasCore { get; init; }

    /// <summary>Most images of each kind; 0 = all.</summary>
    public required int Limit { get; init; }

    /// <summary>How images are read, varied and brought to training.</summary>
    public DataSettings Loading { get; init; } = new();

    /// <summary>Whether the run folder gets a file of events for TensorBoard.</summary>
    public bool Tensorboard { get; init; }

    /// <summary>The file whose weights the run starts from; null = random ones.</summary>
    public string? Init { get; init; }

    /// <summary>The run ends after so many epochs without a better one; 0 = never.</summary>
    public int EarlyStop { get; init; }

    /// <summary>When the run is saved so that it can be resumed.</summary>
    public CheckpointSettings Checkpoints { get; init; } = new();

    public ComputeOptions ComputeOptions() => new()
    {
        Threads = Threads,
        Precision = Enum.Parse<Precision>(Precision, ignoreCase: true),
        Deterministic = Deterministic,
    };

    /// <summary>The command line that repeats the run.</summary>
    public string CommandLine() =>
        $"hybridcnn train --data {Data}{(DataDirectory is null ? "" : $" --data-dir {Quote(DataDirectory)}")} --model {Model} --epochs {Epochs} --batch {Batch}"
        + $"{Recipe.CommandLine()} --seed {Seed}"
        + $" --precision {Precision}{(Deterministic ? " --deterministic" : "")}{(Recompute ? " --recompute" : "")}{(Tune ? " --tune" : "")}{(TuneCache is null ? "" : $" --tune-cache {Quote(TuneCache)}")}" + (Threads == 0 ? "" : $" --threads {Threads}") + (BlasCore is null ? "" : $" --blas-core {BlasCore}") + (Limit == 0 ? "" : $" --limit {Limit}") + Loading.CommandLine() + (Tensorboard ? " --tensorboard" : "")
        + (Init is null ? "" : $" --init {Quote(Init)}") + (EarlyStop == 0 ? "" : $" --early-stop {EarlyStop}") + Checkpoints.CommandLine();

    /// <summary>Whether a resumed run may have another value than the run had before: it changes where or how long is computed, not what.</summary>
    /// <param name="name">As in run.json: "batch", "recipe.momentum".</param>
    public bool MayDiffer(string name) => name switch
    {
        "data_directory" or "threads" or "recompute" or "blas_core" or "tune_cache" or "tensorboard" or "loading.prefetch" or "loading.skip_bad" or "early_stop" => true,
        // These learning rates don't look ahead to the end.
        "epochs" => Recipe.Schedule is "constant" or "step" or "multistep" or "plateau",
        _ => name.StartsWith("checkpoints.", StringComparison.Ordinal),
    };

    /// <summary>The option that sets a value of run.json.</summary>
    public static string OptionOf(string name) => name[(name.LastIndexOf('.') + 1)..] switch
    {
        "learning_rate" => "--lr",
        "data_directory" => "--data-dir",
        "average" => "--ema",
        var last => "--" + last.Replace('_', '-'),
    };

    public static string Quote(string text) => text.Contains(' ') ? $"\"{text}\"" : text;
}
