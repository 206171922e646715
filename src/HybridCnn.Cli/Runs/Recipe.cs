using HybridCnn.Layers;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>How weights are changed: loss, optimizer, schedule, clipping, average.</summary>
internal sealed record Recipe
{
    /// <summary>"cross-entropy", "bce" or "mse".</summary>
    public required string Loss { get; init; }

    public required float LabelSmoothing { get; init; }

    /// <summary>"sgd", "adam", "adamw", "rmsprop" or "lars".</summary>
    public required string Optimizer { get; init; }

    /// <summary>The highest one.</summary>
    public required float LearningRate { get; init; }

    public required float Momentum { get; init; }

    public required bool Nesterov { get; init; }

    public required float WeightDecay { get; init; }

    /// <summary>"weights" or "all".</summary>
    public required string DecayOn { get; init; }

    /// <summary>"cosine", "constant", "step", "multistep", "one-cycle", "polynomial" or "plateau".</summary>
    public required string Schedule { get; init; }

    /// <summary>Epochs, perhaps with a fraction.</summary>
    public required float Warmup { get; init; }

    public required float Gamma { get; init; }

    public required int StepEpochs { get; init; }

    /// <summary>Epochs, rising; empty unless the schedule has them.</summary>
    public required IReadOnlyList<int> Milestones { get; init; }

    public required float Power { get; init; }

    public required int Patience { get; init; }

    /// <summary>Null = off.</summary>
    public float? ClipNorm { get; init; }

    /// <summary>Null = off.</summary>
    public float? ClipValue { get; init; }

    /// <summary>How much of the average stays at each step; 0 = off.</summary>
    public required float Average { get; init; }

    /// <summary>The trainer's loss.</summary>
    public Loss CreateLoss() => Loss switch
    {
        "bce" => new BinaryCrossEntropy(),
        "mse" => new MeanSquaredError(),
        _ => new SoftmaxCrossEntropy(LabelSmoothing),
    };

    /// <summary>An optimizer of all parameters.</summary>
    public Optimizer CreateOptimizer(Layer network)
    {
        Optimizer optimizer = Optimizer switch
        {
            "adam" => new Adam(network.Parameters, LearningRate, weightDecay: WeightDecay),
            "adamw" => new AdamW(network.Parameters, LearningRate, weightDecay: WeightDecay),
            "rmsprop" => new Rmsprop(network.Parameters, LearningRate, weightDecay: WeightDecay, momentum: Momentum),
            // A larger trust and a smaller rate than the paper's: biases take the rate as it is.
            "lars" => new Lars(network.Parameters, LearningRate, Momentum, WeightDecay, trust: 0.02f),
            _ => new Sgd(network.Parameters, LearningRate, Momentum, Nesterov, WeightDecay),
        };
        if (DecayOn == "weights")
            optimizer.DecayWeightsOnly();
        return optimizer;
    }

    /// <summary>The learning rate of every step; plateau: of every epoch.</summary>
    public Schedule CreateSchedule(int stepsPerEpoch, int epochs)
    {
        long steps = (long)stepsPerEpoch * epochs;
        if (Schedule == "one-cycle")
            return new OneCycleSchedule(LearningRate, steps, Warmup > 0 ? Warmup / epochs : 0.3);
        bool byEpoch = Schedule == "plateau";
        // At least one step or epoch, and at least one is left.
        long warmup = Warmup == 0 ? 0 : Math.Max(1, byEpoch ? (long)Math.Ceiling(Warmup) : (long)Math.Round((double)Warmup * stepsPerEpoch));
        warmup = Math.Min(warmup, (byEpoch ? epochs : steps) - 1);
        Schedule schedule = Schedule switch
        {
            "constant" => new ConstantSchedule(LearningRate),
            "step" => new StepSchedule(LearningRate, (long)StepEpochs * stepsPerEpoch, Gamma),
            "multistep" => new MultiStepSchedule(LearningRate, [.. Milestones.Select(epoch => Math.Max(0, (long)epoch * stepsPerEpoch - warmup))], Gamma),
            "polynomial" => new PolynomialSchedule(LearningRate, steps - warmup, Power),
            "plateau" => new PlateauSchedule(LearningRate, Gamma, Patience),
            _ => new CosineSchedule(LearningRate, steps - warmup),
        };
        return warmup == 0 ? schedule : new WarmUpSchedule(schedule, warmup);
    }

    /// <summary>What clips the gradients; null = nothing.</summary>
    public GradientClipping? CreateClipping(Layer network) =>
        ClipNorm is null && ClipValue is null ? null : new GradientClipping(network.Parameters, ClipNorm, ClipValue);

    /// <summary>What averages the weights; null = nothing.</summary>
    public WeightAverage? CreateAverage(Layer network) => Average == 0 ? null : new WeightAverage(network, Average);

    /// <summary>The options that say the same, each with a space before it.</summary>
    public string CommandLine() =>
        $"{(Loss == "cross-entropy" ? "" : $" --loss {Loss}")}{Option("--label-smoothing", LabelSmoothing, 0)} --optimizer {Optimizer} --lr {LearningRate}"
        + $"{(HasMomentum ? $" --momentum {Momentum}" : "")}{(Nesterov ? " --nesterov" : "")} --weight-decay {WeightDecay}{(DecayOn == "weights" ? "" : $" --decay-on {DecayOn}")}"
        + $" --schedule {Schedule}{Option("--warmup", Warmup, 0)}"
        + (Schedule is "step" or "multistep" or "plateau" ? $" --gamma {Gamma}" : "") + (Schedule == "step" ? $" --step-epochs {StepEpochs}" : "")
        + (Milestones.Count == 0 ? "" : $" --milestones {string.Join(',', Milestones)}") + Option("--power", Power, 1) + (Schedule == "plateau" ? $" --patience {Patience}" : "")
        + (ClipNorm is null ? "" : $" --clip-norm {ClipNorm}") + (ClipValue is null ? "" : $" --clip-value {ClipValue}") + Option("--ema", Average, 0);

    /// <summary>The optimizer and what goes with it, in words.</summary>
    public string OptimizerInWords() =>
        $"{(Optimizer switch { "adam" => "Adam", "adamw" => "AdamW", "rmsprop" => "RMSprop", "lars" => "LARS", _ => "SGD" })} lr {LearningRate} {Schedule}"
        + (Warmup == 0 ? "" : $", warm-up {Warmup} epochs") + (HasMomentum ? $", {(Nesterov ? "Nesterov " : "")}momentum {Momentum}" : "") + $", weight decay {WeightDecay}"
        + (ClipNorm is null ? "" : $", gradients up to norm {ClipNorm}") + (ClipValue is null ? "" : $", gradients up to {ClipValue}") + (Average == 0 ? "" : $", weights averaged {Average}");

    /// <summary>The loss, in words.</summary>
    public string LossInWords() => LabelSmoothing == 0 ? Loss : $"{Loss}, labels smoothed {LabelSmoothing}";

    private bool HasMomentum => Optimizer is "sgd" or "rmsprop" or "lars";

    private static string Option(string name, float value, float unset) => value == unset ? "" : $" {name} {value}";
}
