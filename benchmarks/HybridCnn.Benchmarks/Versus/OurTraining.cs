using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Our training step on one fixed random batch.</summary>
internal sealed class OurTraining
{
    private const int Classes = 10;
    private const int ImageSize = 28;

    private readonly Trainer _trainer;

    /// <param name="name">A network of <see cref="ModelCatalog"/>.</param>
    /// <param name="batch">Images.</param>
    /// <param name="context">Threads; has to outlive this.</param>
    /// <param name="wrap">Put around every layer; null for the bare network.</param>
    public OurTraining(string name, int batch, ComputeContext context, Func<Layer, Layer>? wrap = null)
    {
        var random = new SeededRandom(1);
        Network network = ModelCatalog.Create(name, channels: 1, ImageSize, ImageSize, Classes, seed: 1);
        if (wrap is not null)
            network = new Sequential([.. network.Children.Select(child => wrap(child.Layer))]);
        Images = ConvData.Filled(random, new Shape(batch, 1, ImageSize, ImageSize));
        Labels = [.. Enumerable.Range(0, batch).Select(_ => random.NextInt(Classes))];
        var optimizer = new Sgd(network.Parameters, Settings.LearningRate, Settings.Momentum);
        _trainer = new Trainer(network, new SoftmaxCrossEntropy(), optimizer, context, Images.Shape);
    }

    /// <summary>The learning rate is small, because one batch is learned thousands of times while it is timed.</summary>
    public static SgdSettings Settings { get; } = new(Classes, LearningRate: 0.005f, Momentum: 0.9f);

    public Tensor Images { get; }

    public int[] Labels { get; }

    /// <summary>What the convolutions run, first layer first.</summary>
    public string Algorithms => string.Join("; ", _trainer.Network.Children.Select(child => child.Layer).OfType<Conv2d>().Select(layer => layer.Plan!.Algorithm(ConvolutionPass.Forward)));

    /// <summary>Forward, loss, backward, update.</summary>
    /// <returns>The loss before the update.</returns>
    public float Step() => _trainer.Step(Images, Labels).Loss;

    /// <summary>A copy of every parameter, by name.</summary>
    public Dictionary<string, float[]> Parameters() =>
        _trainer.Network.NamedParameters.ToDictionary(named => named.Name, named => named.Parameter.Value.Span.ToArray());
}
