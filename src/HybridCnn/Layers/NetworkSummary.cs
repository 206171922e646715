using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>What a network that is bound to a shape consists of, see <see cref="Network.Summarize"/>.</summary>
/// <param name="Input">The shape of x.</param>
/// <param name="Layers">In the order in which they run, networks inside laid open.</param>
/// <param name="TrainingBytes">Memory planned for all activations and gradients of a training step, but for x and y.</param>
/// <param name="PredictionBytes">The same for prediction alone.</param>
/// <param name="KeepingBytes">What <paramref name="TrainingBytes"/> would be if nothing were computed again (<see cref="Network.Recompute"/>).</param>
public sealed record NetworkSummary(Shape Input, IReadOnlyList<LayerSummary> Layers, long TrainingBytes, long PredictionBytes, long KeepingBytes)
{
    /// <summary>How many numbers training changes.</summary>
    public long Parameters => Layers.Sum(layer => layer.Parameters);

    /// <summary>Multiplications and additions of a forward pass over the whole batch.</summary>
    public long Flops => Layers.Sum(layer => layer.Flops);
}
