using HybridCnn.Tensors;
using TorchSharp;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's inference on one fixed batch: evaluation mode, no gradients.</summary>
internal sealed class TorchInference : IDisposable
{
    private readonly TorchModule _network;
    private readonly torch.Tensor _images;

    /// <param name="name">A network of <see cref="TorchNetworks"/>.</param>
    /// <param name="classes">Of its last layer.</param>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="state">Parameters and running statistics, by name; copied.</param>
    /// <param name="channelsLast">Images and convolution weights with the channels innermost.</param>
    public TorchInference(string name, int classes, Tensor images, IReadOnlyDictionary<string, float[]> state, bool channelsLast)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor batch = torch.tensor(images.Span.ToArray(), [images.Shape[0], images.Shape[1], images.Shape[2], images.Shape[3]]);
        _images = (channelsLast ? Torch.ToChannelsLast(batch) : batch).MoveToOuterDisposeScope();
        _network = TorchNetworks.Create(name, classes);
        TorchNetworks.Load(_network, state, channelsLast);
        _network.eval();
    }

    /// <summary>One forward pass. Nothing is read back.</summary>
    public void Step()
    {
        using var scope = torch.NewDisposeScope();
        using var noGradient = torch.no_grad();
        _network.call(_images);
    }

    /// <summary>The logits.</summary>
    public double[] Result()
    {
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        return Array.ConvertAll(Torch.Values(_network.call(_images)), value => (double)value);
    }

    public void Dispose()
    {
        _network.Dispose();
        _images.Dispose();
    }
}
