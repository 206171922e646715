using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// <see cref="Adam"/> whose weight decay leaves the gradients alone: p *= 1 - learningRate·weightDecay before the step (Loshchilov and
/// Hutter, Decoupled weight decay regularization, 2019).
/// </summary>
/// <param name="parameters">What to train.</param>
/// <param name="learningRate">The size of a step.</param>
/// <param name="beta1">How much of the mean of the gradients stays, at least 0 and below 1.</param>
/// <param name="beta2">How much of the mean of their squares stays, at least 0 and below 1.</param>
/// <param name="epsilon">What keeps the divisor from 0.</param>
/// <param name="weightDecay">How strongly parameters are drawn to 0.</param>
/// <param name="amsgrad">Whether to divide by the largest v so far.</param>
/// <exception cref="ArgumentException">A number out of range.</exception>
public sealed class AdamW(
    IReadOnlyList<Parameter> parameters, float learningRate = 1e-3f, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f,
    float weightDecay = 1e-2f, bool amsgrad = false)
    : Adam(parameters, learningRate, beta1, beta2, epsilon, weightDecay, amsgrad, decoupledDecay: true);
