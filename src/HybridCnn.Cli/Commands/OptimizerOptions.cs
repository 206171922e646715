using System.CommandLine;
using System.CommandLine.Parsing;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Commands;

/// <summary>The options that say how weights are changed: loss, optimizer, schedule, clipping, average.</summary>
internal sealed class OptimizerOptions
{
    private readonly Option<string> _loss = CommonOptions.Choice(
        "--loss", "What to minimize. cross-entropy: one answer of all classes. bce: every class by itself, yes or no. mse: squared distance from 1 for the class and 0 for the others.",
        "cross-entropy", "cross-entropy", "bce", "mse");

    private readonly Option<float> _labelSmoothing = Number("--label-smoothing", "Cross-entropy: how much of each answer is spread over all classes, such as 0.1. Default: 0.", 0, 1);

    private readonly Option<string> _optimizer = CommonOptions.Choice(
        "--optimizer", "sgd: gradient descent with momentum. adam, adamw: a step size for each weight; adamw's weight decay leaves that alone. rmsprop: likewise, without adam's mean. "
        + "lars: sgd with a step size for each layer, for large batches.", "sgd", "sgd", "adam", "adamw", "rmsprop", "lars");

    private readonly Option<float> _learningRate = Number("--lr", "Learning rate: the highest one, where a schedule changes it. Default: 0.02 for sgd, 0.05 for lars, 0.001 for the others.", 0, float.PositiveInfinity);
    private readonly Option<float> _momentum = Number("--momentum", "How much of the last step's direction stays. Default: 0.9 for sgd and lars, 0 for rmsprop.", 0, 1);
    private readonly Option<bool> _nesterov = new("--nesterov") { Description = "sgd: look ahead along the momentum." };
    private readonly Option<float> _weightDecay = Number("--weight-decay", "How strongly weights are drawn to 0, such as 5e-4. Default: 0.01 for adamw, else 0.", 0, float.PositiveInfinity);
    private readonly Option<string> _decayOn = CommonOptions.Choice("--decay-on", "weights: biases and the scales and shifts of normalizations don't decay. all: they do.", "weights", "weights", "all");

    private readonly Option<string> _schedule = CommonOptions.Choice(
        "--schedule", "The learning rate over the training. cosine: down to 0 along half a cosine. polynomial: down to 0 along (1 - time)^power. step, multistep: times --gamma now and then. "
        + "one-cycle: up from a 25th and down to nearly 0. plateau: times --gamma when the test loss stops falling. constant.",
        "cosine", "cosine", "constant", "step", "multistep", "one-cycle", "polynomial", "plateau");

    private readonly Option<float> _warmup = Number("--warmup", "Epochs in which the learning rate first rises from a hundredth, such as 1 or 0.5; one-cycle: in which it rises, default 0.3 of all. Default: 0.", 0, float.PositiveInfinity);
    private readonly Option<float> _gamma = Number("--gamma", "step, multistep, plateau: what the learning rate is multiplied by. Default: 0.1.", 0, 1);
    private readonly Option<int> _stepEpochs = CommonOptions.WholeNumber("--step-epochs", "step: epochs between two changes, after the warm-up; 0 = a third of all.", 0, 0, 100_000);
    private readonly Option<int[]> _milestones = Milestones();
    private readonly Option<float> _power = Number("--power", "polynomial: the power. Default: 1, a straight line.", 0, float.PositiveInfinity);
    private readonly Option<int> _patience = CommonOptions.WholeNumber("--patience", "plateau: so many epochs in a row may bring no lower test loss; the next one lowers the learning rate.", 2, 0, 100_000);
    private readonly Option<float> _clipNorm = Number("--clip-norm", "Scale gradients down to this norm, all together, where it is larger, such as 1. Default: off.", float.Epsilon, float.PositiveInfinity);
    private readonly Option<float> _clipValue = Number("--clip-value", "Cut every element of the gradients to at most this size, before --clip-norm. Default: off.", float.Epsilon, float.PositiveInfinity);
    private readonly Option<float> _average = Number("--ema", "Average the weights, test and save the averages: how much of the average stays at each step, such as 0.999. Default: 0, off.", 0, 1);

    public OptimizerOptions() => _schedule.Aliases.Add("--lr-schedule");

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[
            _loss, _labelSmoothing, _optimizer, _learningRate, _momentum, _nesterov, _weightDecay, _decayOn,
            _schedule, _warmup, _gamma, _stepEpochs, _milestones, _power, _patience, _clipNorm, _clipValue, _average])
            command.Add(option);
    }

    /// <exception cref="UserErrorException">An option that the others give no meaning to.</exception>
    public Recipe Read(ParseResult parsed, int epochs)
    {
        string loss = parsed.GetValue(_loss)!, optimizer = parsed.GetValue(_optimizer)!, schedule = parsed.GetValue(_schedule)!;
        RequireUse(parsed, _labelSmoothing, "--loss", loss, "cross-entropy");
        RequireUse(parsed, _momentum, "--optimizer", optimizer, "sgd", "rmsprop", "lars");
        RequireUse(parsed, _nesterov, "--optimizer", optimizer, "sgd");
        RequireUse(parsed, _gamma, "--schedule", schedule, "step", "multistep", "plateau");
        RequireUse(parsed, _stepEpochs, "--schedule", schedule, "step");
        RequireUse(parsed, _milestones, "--schedule", schedule, "multistep");
        RequireUse(parsed, _power, "--schedule", schedule, "polynomial");
        RequireUse(parsed, _patience, "--schedule", schedule, "plateau");

        bool hasMomentum = optimizer is "sgd" or "lars";
        int stepEpochs = parsed.GetValue(_stepEpochs);
        var recipe = new Recipe
        {
            Loss = loss,
            LabelSmoothing = Given(parsed, _labelSmoothing) ?? 0,
            Optimizer = optimizer,
            LearningRate = Given(parsed, _learningRate) ?? (optimizer == "sgd" ? 0.02f : optimizer == "lars" ? 0.05f : 0.001f),
            Momentum = Given(parsed, _momentum) ?? (hasMomentum ? 0.9f : 0),
            Nesterov = parsed.GetValue(_nesterov),
            WeightDecay = Given(parsed, _weightDecay) ?? (optimizer == "adamw" ? 0.01f : 0),
            DecayOn = parsed.GetValue(_decayOn)!,
            Schedule = schedule,
            Warmup = Given(parsed, _warmup) ?? 0,
            Gamma = Given(parsed, _gamma) ?? 0.1f,
            StepEpochs = stepEpochs == 0 ? (epochs + 2) / 3 : stepEpochs,
            Milestones = parsed.GetValue(_milestones) ?? [],
            Power = Given(parsed, _power) ?? 1,
            Patience = parsed.GetValue(_patience),
            ClipNorm = Given(parsed, _clipNorm),
            ClipValue = Given(parsed, _clipValue),
            Average = Given(parsed, _average) ?? 0,
        };
        Check(recipe, epochs);
        return recipe;
    }

    private static void Check(Recipe recipe, int epochs)
    {
        if (recipe.Nesterov && recipe.Momentum == 0)
            throw UserErrorException.BadUsage("--nesterov: with --momentum 0 there is nothing to look ahead along.", "Choose a momentum above 0, such as 0.9, or leave --nesterov out.");
        if (recipe.Warmup > 0 && recipe.Warmup >= epochs)
            throw UserErrorException.BadUsage($"--warmup {recipe.Warmup}: the training has only {epochs} epochs.", $"Choose a warm-up below {epochs}, or more --epochs.");
        if (recipe.Schedule == "multistep" && recipe.Milestones.Count == 0)
            throw UserErrorException.BadUsage("--schedule multistep: it isn't said when the learning rate falls.", "Add --milestones, such as --milestones 30,60.");
        if (recipe.Milestones.Count > 0 && recipe.Milestones[^1] >= epochs)
            throw UserErrorException.BadUsage($"--milestones {recipe.Milestones[^1]}: the training has only {epochs} epochs.", $"Choose milestones below {epochs}, or more --epochs.");
        if (recipe.Milestones.Count > 0 && recipe.Milestones[0] < recipe.Warmup)
            throw UserErrorException.BadUsage($"--milestones {recipe.Milestones[0]}: the warm-up lasts {recipe.Warmup} epochs.", "Choose later milestones, or a shorter --warmup.");
    }

    private static void RequireUse(ParseResult parsed, Option option, string chooser, string choice, params string[] users)
    {
        if (users.Contains(choice) || parsed.GetResult(option) is not { Implicit: false } result)
            return;
        string value = string.Join(' ', result.Tokens.Select(token => token.Value));
        string others = users.Length == 1 ? users[0] : $"{string.Join(", ", users[..^1])} or {users[^1]}";
        throw UserErrorException.BadUsage($"{option.Name}{(value == "" ? "" : " " + value)}: {chooser} {choice} doesn't use it.", $"Leave it out, or choose {chooser} {others}.");
    }

    private static float? Given(ParseResult parsed, Option<float> option) => parsed.GetResult(option) is null ? null : parsed.GetValue(option);

    // Without a default of its own: what it is depends on other options, and the description says so.
    private static Option<float> Number(string name, string description, float lowest, float below)
    {
        Option<float> option = CommonOptions.Number(name, description, 0, lowest, below);
        option.DefaultValueFactory = null;
        return option;
    }

    private static Option<int[]> Milestones()
    {
        var option = new Option<int[]>("--milestones") { Description = "multistep: the epochs after which the learning rate is multiplied, rising, such as 30,60.", HelpName = "n,n", Arity = ArgumentArity.ExactlyOne };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            int[] milestones = [.. text.Split(',').Select(part => int.TryParse(part, out int epoch) ? epoch : 0)];
            for (int i = 0; i < milestones.Length; i++)
            {
                if (milestones[i] > (i == 0 ? 0 : milestones[i - 1]))
                    continue;
                result.AddError($"--milestones {text}: expected rising whole numbers of at least 1 with commas between, such as 30,60.");
                break;
            }

            return milestones;
        };
        return option;
    }
}
