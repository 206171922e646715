using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>Every optimizer and every loss, with all that it can remember.</summary>
internal static class TrainingParts
{
    private static readonly Dictionary<string, Func<IReadOnlyList<Parameter>, Optimizer>> s_optimizers = new()
    {
        ["sgd"] = p => new Sgd(p, 0.02f, weightDecay: 1e-3f),
        ["sgd momentum"] = p => new Sgd(p, 0.02f, 0.9f, nesterov: false, 1e-3f, dampening: 0.1f),
        ["sgd nesterov decoupled"] = p => new Sgd(p, 0.02f, 0.9f, nesterov: true, 1e-3f, decoupledDecay: true),
        ["adam amsgrad"] = p => new Adam(p, 0.002f, weightDecay: 1e-3f, amsgrad: true),
        ["adamw"] = p => new AdamW(p, 0.002f),
        ["rmsprop"] = p => new Rmsprop(p, 0.001f),
        ["rmsprop momentum"] = p => new Rmsprop(p, 0.001f, momentum: 0.9f),
        ["rmsprop centered"] = p => new Rmsprop(p, 0.001f, centered: true),
        ["rmsprop centered momentum"] = p => new Rmsprop(p, 0.001f, momentum: 0.9f, centered: true),
        ["lars"] = p => new Lars(p, 1, weightDecay: 1e-3f),
    };

    private static readonly Dictionary<string, Func<Loss>> s_losses = new()
    {
        ["cross-entropy"] = () => new SoftmaxCrossEntropy(),
        ["cross-entropy smoothed, weighted"] = () => new SoftmaxCrossEntropy(0.1f, [1, 0.5f, 2, 0.25f], ignoredLabel: 3),
        ["binary cross-entropy"] = () => new BinaryCrossEntropy(),
        ["squared"] = () => new MeanSquaredError(),
        ["absolute"] = () => new MeanAbsoluteError(),
        ["huber"] = () => new HuberLoss(0.7f),
    };

    public static TheoryData<string> OptimizerNames => new(s_optimizers.Keys);

    public static TheoryData<string> LossNames => new(s_losses.Keys);

    public static Optimizer CreateOptimizer(string name, IReadOnlyList<Parameter> parameters) => s_optimizers[name](parameters);

    public static Loss CreateLoss(string name) => s_losses[name]();
}
