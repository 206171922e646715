using HybridCnn.Compute;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>The door for models of TorchSharp.</summary>
public static class ModelExtensions
{
    /// <summary>
    /// Puts the engine's modules in the place of a model's Conv2d, MaxPool2d and BatchNorm2d, wherever the model keeps them: in Sequential, ModuleList, lists, arrays and
    /// fields that can hold another module (declared as Module&lt;Tensor, Tensor&gt;, not as Conv2d). Parameters and buffers stay the same objects under the
    /// same names: state dictionaries and optimizers, made before or after, keep working. A ReLU that follows a batch normalization in a Sequential is
    /// taken in by it. What can't be swapped stays as it is, and the report says why.
    /// </summary>
    /// <param name="model">The model. A module that is itself a Conv2d can't be swapped: make a <see cref="HybridConv2d"/> of it.</param>
    /// <param name="options">Threads, precision, workspace; null for as many threads as PyTorch has now, and the defaults.</param>
    /// <returns>What was swapped, what was left, and why.</returns>
    public static SwapReport UseHybridCnn(this nn.Module model, ComputeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new ModuleSwap(model, options).Run();
    }

    /// <summary>The problems that the engine's modules of a model have seen, the algorithms that compute them, and how often a copy was needed.</summary>
    public static string ExplainHybridCnn(this nn.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return string.Join(Environment.NewLine, model.named_modules().DistinctBy(named => named.module)
            .Where(named => named.module is HybridModule).Select(named => $"{named.name} ({named.module.GetName()}){Environment.NewLine}{((HybridModule)named.module).Explain()}"));
    }
}
