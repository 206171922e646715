using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Our training step on one fixed random batch.</summary>
internal sealed class OurTraining
{
    // Small, because one batch is learned thousands of times while it is timed, and because after a long step of a deep network nothing but the rounding of the one before counts.
    private const float LearningRate = 5e-4f, Momentum = 0.9f;

    private readonly Trainer _trainer;
    private readonly Sgd _optimizer;
    private readonly SoftmaxCrossEntropy _loss = new();
    private readonly ComputeContext _context;

    /// <param name="name">A network of <see cref="ModelCatalog"/>; it sees images of the size that it was published for.</param>
    /// <param name="batch">Images.</param>
    /// <param name="context">Threads; has to outlive this.</param>
    public OurTraining(string name, int batch, ComputeContext context)
    {
        var random = new SeededRandom(1);
        (Network network, Shape image, int classes) = OurNetwork.Create(name);
        Settings = new(classes, LearningRate, Momentum);
        Images = ConvData.Filled(random, new Shape(batch, image[0], image[1], image[2]));
        Labels = [.. Enumerable.Range(0, batch).Select(_ => random.NextInt(classes))];
        _optimizer = new Sgd(network.Parameters, LearningRate, Momentum);
        _trainer = new Trainer(network, _loss, _optimizer, context, Images.Shape);
        _context = context;
    }

    /// <summary>What both sides train with.</summary>
    public SgdSettings Settings { get; }

    public Tensor Images { get; }

    public int[] Labels { get; }

    /// <summary>What the convolutions run in the forward pass, and how many of them.</summary>
    public string Algorithms => OurNetwork.Algorithms(_trainer.Network);

    /// <summary>Forward, loss, backward, update.</summary>
    /// <returns>The loss before the update.</returns>
    public float Step() => _trainer.Step(Images, Labels).Loss;

    /// <summary>Where the time of a step goes, over some of them.</summary>
    public StepProfile Profile(int steps, CancellationToken cancel) =>
        StepProfile.Measure(_trainer.Network, _loss, _optimizer, _context, Images, Labels, steps, cancellation: cancel);

    /// <summary>A copy of every parameter, by name.</summary>
    public Dictionary<string, float[]> Parameters() =>
        _trainer.Network.NamedParameters.ToDictionary(named => named.Name, named => named.Parameter.Value.Span.ToArray());
}
