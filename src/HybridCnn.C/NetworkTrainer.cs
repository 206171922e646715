using HybridCnn.Compute;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.C;

/// <summary>What a handle of a trainer names: a network of the catalogue with its weights, and what trains it. One call at a time; others wait.</summary>
internal sealed class NetworkTrainer
{
    private readonly Lock _turn = new();
    private readonly ComputeContext _context;
    private readonly ModelDescription _description;
    private readonly Network _network;
    private readonly Sgd _optimizer;
    private readonly Trainer _trainer;
    private readonly Tensor _images, _logits;

    /// <param name="context">What it computes in.</param>
    /// <param name="images">Images of a batch.</param>
    /// <param name="description">The network, its images and classes.</param>
    /// <param name="weights">A file of its weights; null for initial ones.</param>
    /// <param name="seed">Of the initial ones.</param>
    /// <param name="momentum">How much of the last direction stays.</param>
    /// <param name="weightDecay">The factor by which parameters add to their own gradients.</param>
    public NetworkTrainer(ComputeContext context, int images, ModelDescription description, string? weights, ulong seed, float momentum, float weightDecay)
    {
        _context = context;
        _description = description;
        Shape image = description.ImageShape;
        var batch = new Shape(images, image[0], image[1], image[2]);
        _network = ModelCatalog.Create(description.Model, image[0], image[1], image[2], description.ClassNames.Count, seed);
        if (weights is not null)
            Weights.Load(weights, _network.NamedState);
        // The learning rate comes with every step.
        _optimizer = new Sgd(_network.Parameters, learningRate: 0, momentum, weightDecay: weightDecay);
        _trainer = new Trainer(_network, new SoftmaxCrossEntropy(), _optimizer, context, batch);
        _images = new Tensor(batch);
        _logits = new Tensor(new Shape(images, description.ClassNames.Count));
    }

    public int BatchSize => _images.Shape[0];

    public long ImagesCount => _images.Shape.Count;

    public long LogitsCount => _logits.Shape.Count;

    public override string ToString() => $"{_description.Model} for images {_images.Shape}";

    public StepResult Step(float learningRate, ReadOnlySpan<float> images, ReadOnlySpan<int> labels)
    {
        lock (_turn)
        {
            _optimizer.LearningRate = learningRate;
            images.CopyTo(_images.Span);
            return _trainer.Step(_images, labels);
        }
    }

    public void Predict(ReadOnlySpan<float> images, Span<float> logits)
    {
        lock (_turn)
        {
            images.CopyTo(_images.Span);
            _network.Predict(_images, _logits, _context);
            _logits.Span.CopyTo(logits);
        }
    }

    public void Save(string path)
    {
        lock (_turn)
            Weights.Save(path, _network.NamedState, _description);
    }
}
