using HybridCnn.Tensors;
using HybridCnn.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's training step on one fixed batch.</summary>
internal sealed class TorchTraining : IDisposable
{
    private readonly TorchModule _network;
    private readonly CrossEntropyLoss _loss = torch.nn.CrossEntropyLoss();
    private readonly torch.optim.Optimizer _optimizer;
    private readonly torch.Tensor _images;
    private readonly torch.Tensor _labels;

    /// <param name="name">A network of <see cref="TorchNetworks"/>.</param>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="labels">N of them.</param>
    /// <param name="initial">Copied: both sides start from the same weights. Null leaves the peer's own.</param>
    /// <param name="settings">The optimizer's.</param>
    /// <param name="channelsLast">Images and convolution weights with the channels innermost, the order that PyTorch recommends on CPUs.</param>
    /// <param name="swapped">Whether our modules replace the peer's, by <see cref="ModelExtensions.UseHybridCnn"/>.</param>
    public TorchTraining(
        string name, Tensor images, ReadOnlySpan<int> labels, IReadOnlyDictionary<string, float[]>? initial, SgdSettings settings, bool channelsLast, bool swapped = false)
    {
        using var scope = torch.NewDisposeScope();
        long[] shape = [images.Shape[0], images.Shape[1], images.Shape[2], images.Shape[3]];
        torch.Tensor batch = torch.tensor(images.Span.ToArray(), shape);
        _images = (channelsLast ? Torch.ToChannelsLast(batch) : batch).MoveToOuterDisposeScope();
        _labels = torch.tensor(labels.ToArray().Select(l => (long)l).ToArray()).MoveToOuterDisposeScope();
        _network = TorchNetworks.Create(name, settings.Classes);
        _network.train();
        TorchNetworks.Load(_network, initial ?? ParametersOf(_network), channelsLast);
        if (swapped)
            Swap = _network.UseHybridCnn();
        _optimizer = torch.optim.SGD(_network.parameters(), settings.LearningRate, settings.Momentum);
    }

    /// <summary>What was swapped; null for the peer as it is.</summary>
    public SwapReport? Swap { get; }

    /// <summary>Forward, loss, backward, update. Nothing is read back.</summary>
    public void Step()
    {
        using var scope = torch.NewDisposeScope();
        RunStep();
    }

    /// <summary>The same, and the loss before the update.</summary>
    public float StepWithLoss()
    {
        using var scope = torch.NewDisposeScope();
        return RunStep().item<float>();
    }

    /// <summary>A copy of every parameter, by name.</summary>
    public Dictionary<string, float[]> Parameters() => ParametersOf(_network);

    public void Dispose()
    {
        _optimizer.Dispose();
        _network.Dispose();
        _loss.Dispose();
        _images.Dispose();
        _labels.Dispose();
    }

    private static Dictionary<string, float[]> ParametersOf(TorchModule network) => network.named_parameters().ToDictionary(p => p.name, p => Torch.Values(p.parameter));

    private torch.Tensor RunStep()
    {
        _optimizer.zero_grad();
        torch.Tensor loss = _loss.call(_network.call(_images), _labels);
        loss.backward();
        _optimizer.step();
        return loss;
    }
}

/// <summary>What both sides train with.</summary>
internal sealed record SgdSettings(int Classes, float LearningRate, float Momentum);
