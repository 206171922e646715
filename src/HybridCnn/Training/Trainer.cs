using System.Diagnostics;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Kernels;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using Softmax = HybridCnn.Kernels.Softmax;

namespace HybridCnn.Training;

/// <summary>
/// Trains a network in steps of one batch: clear gradients, forward, loss, backward, update. A step allocates nothing, and the
/// same seed and number of threads give the same bits. One call at a time.
/// </summary>
public sealed class Trainer
{
    private readonly SoftmaxCrossEntropy _loss;
    private readonly Optimizer _optimizer;
    private readonly ComputeContext _context;
    private readonly Shape _batchShape;
    private readonly Tensor _logits;
    private readonly Tensor _dlogits;
    private Tensor? _dmixed;
    private readonly Tensor _images;
    private readonly int[] _labels;

    /// <summary>Binds the network to batches of one shape.</summary>
    /// <param name="network">Maps [N, C, H, W] to logits [N, K].</param>
    /// <param name="loss">What to minimize.</param>
    /// <param name="optimizer">Holds the network's parameters.</param>
    /// <param name="context">Threads and scratch memory, used by this trainer's calls alone while they last.</param>
    /// <param name="batchShape">[N, C, H, W], of every batch.</param>
    /// <exception cref="ArgumentException">The network cannot take that shape, doesn't end in [N, K], or shares no parameter with the optimizer.</exception>
    public Trainer(Network network, SoftmaxCrossEntropy loss, Optimizer optimizer, ComputeContext context, Shape batchShape)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(context);
        if (!optimizer.Parameters.Any(network.Parameters.Contains))
            throw new ArgumentException("The optimizer holds none of the network's parameters.", nameof(optimizer));
        Shape logits = network.Bind(batchShape);
        if (logits.Rank != 2)
            throw new ArgumentException($"The network must end in logits [N, K]; for {batchShape} it ends in {logits}.", nameof(network));
        Network = network;
        _loss = loss;
        _optimizer = optimizer;
        _context = context;
        _batchShape = batchShape;
        _logits = new Tensor(logits);
        _dlogits = new Tensor(logits);
        _images = new Tensor(batchShape);
        _labels = new int[batchShape[0]];
    }

    /// <summary>What is trained.</summary>
    public Network Network { get; }

    /// <summary>The epoch that steps count towards, from 1.</summary>
    public int Epoch { get; private set; } = 1;

    /// <summary>Steps taken so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Called after every step of <see cref="Step"/> or <see cref="TrainEpoch"/>.</summary>
    public Action<StepResult>? StepDone { get; set; }

    /// <summary>Called at the end of every <see cref="TrainEpoch"/>, a cancelled one too.</summary>
    public Action<EpochResult>? EpochDone { get; set; }

    /// <summary>
    /// Called with a layer's position as soon as its gradients are complete, last layer first, before the optimizer's step:
    /// where training on several machines adds them up.
    /// </summary>
    public Action<int>? GradientsReady
    {
        get => Network.GradientsReady;
        set => Network.GradientsReady = value;
    }

    /// <summary>One training step.</summary>
    /// <param name="images">[N, C, H, W], of the batch shape.</param>
    /// <param name="labels">N classes.</param>
    /// <exception cref="DivergedException">The loss is not finite; the weights are still those that it was computed with.</exception>
    public StepResult Step(Tensor images, ReadOnlySpan<int> labels) => StepMixed(images, labels, labels, lambda: 1);

    private StepResult StepMixed(Tensor images, ReadOnlySpan<int> labels, ReadOnlySpan<int> mixedLabels, float lambda)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape != _batchShape)
            throw new ArgumentException($"This trainer takes batches {_batchShape}; got {images.Shape}.", nameof(images));
        Network.Forward(images, _logits, _context);
        float loss = _loss.Forward(_logits, labels, _dlogits);
        if (lambda < 1)
        {
            // Losses are linear in the target: the loss of a mixed target is the mixture of the losses, and so is the gradient.
            _dmixed ??= new Tensor(_logits.Shape);
            loss = lambda * loss + (1 - lambda) * _loss.Forward(_logits, mixedLabels, _dmixed);
            ImageMix.Run(_dlogits.Span, _dmixed.Span, lambda);
            // An image counts as right with the label that it has more of.
            labels = lambda < 0.5f ? mixedLabels : labels;
        }

        if (!float.IsFinite(loss))
            throw new DivergedException(Epoch, Steps + 1, loss);

        _optimizer.ZeroGradients();
        Network.Backward(images, _logits, _dlogits, null, _context);
        _optimizer.Step(_context);
        Steps++;

        int correct = 0;
        for (int n = 0; n < labels.Length; n++)
            correct += Softmax.Predict(_logits.Item(n)) == labels[n] ? 1 : 0;
        var result = new StepResult(Epoch, Steps, loss, correct, labels.Length);
        StepDone?.Invoke(result);
        return result;
    }

    /// <summary>Steps over all batches that <paramref name="loader"/> has left in its epoch.</summary>
    /// <param name="loader">Of the batch shape, and shuffled: its batches are full.</param>
    /// <param name="onStep">Called after every step.</param>
    /// <param name="cancellation">Ends the epoch after the step that is running; the next call goes on from there.</param>
    /// <exception cref="DivergedException">The loss is not finite.</exception>
    public EpochResult TrainEpoch(BatchSource loader, Action<StepResult>? onStep = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(loader);
        RequireBatchShape(loader.BatchShape, nameof(loader));
        long started = Stopwatch.GetTimestamp();
        double loss = 0;
        int correct = 0, seen = 0;
        bool completed = true;
        TimeSpan waited = TimeSpan.Zero;
        while (completed && NextBatch(loader, ref waited) is { } batch)
        {
            if (batch.Count < _labels.Length)
                throw new ArgumentException($"A training batch has {_labels.Length} images; the loader gave {batch.Count}. Give it a random sequence to shuffle by.", nameof(loader));
            StepResult step = StepMixed(batch.Images, batch.Labels, batch.MixedLabels, batch.Lambda);
            loss += step.Loss * (double)step.Count;
            correct += step.Correct;
            seen += step.Count;
            onStep?.Invoke(step);
            completed = !cancellation.IsCancellationRequested;
        }

        var result = new EpochResult(Epoch, loss / Math.Max(seen, 1), correct, seen, Stopwatch.GetElapsedTime(started), waited, completed);
        if (completed)
            Epoch++;
        EpochDone?.Invoke(result);
        return result;
    }

    /// <summary>Classifies every image of <paramref name="data"/>; changes no weight.</summary>
    /// <param name="data">Images of the batch shape's size; the number need not be a multiple of the batch.</param>
    /// <param name="cancellation">Ends the evaluation after the batch that is running.</param>
    /// <exception cref="ArgumentException">Images of another size, or a label that the network has no logit for.</exception>
    public EvaluationResult Evaluate(ImageDataset data, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var loader = new BatchLoader(data, _batchShape[0], shuffle: null);
        RequireBatchShape(loader.BatchShape, nameof(data));
        int classes = _logits.Shape[1];
        var losses = new float[data.Count];
        var predictions = new int[data.Count];
        var confusion = new int[classes, classes];
        int seen = 0;
        while (loader.Next(_images, _labels, out int count))
        {
            Classify();
            _loss.PerImage(_logits, _labels.AsSpan(0, count), losses.AsSpan(seen, count));
            for (int n = 0; n < count; n++)
            {
                predictions[seen + n] = Softmax.Predict(_logits.Item(n));
                confusion[_labels[n], predictions[seen + n]]++;
            }

            seen += count;
            if (cancellation.IsCancellationRequested)
                break;
        }

        return new EvaluationResult(losses[..seen], predictions[..seen], confusion);
    }

    private static Batch? NextBatch(BatchSource loader, ref TimeSpan waited)
    {
        long asked = Stopwatch.GetTimestamp();
        Batch? batch = loader.NextBatch();
        waited += Stopwatch.GetElapsedTime(asked);
        return batch;
    }

    private void Classify()
    {
        bool training = _context.IsTraining;
        _context.IsTraining = false;
        try
        {
            Network.Forward(_images, _logits, _context);
        }
        finally
        {
            _context.IsTraining = training;
        }
    }

    private void RequireBatchShape(Shape shape, string name)
    {
        if (shape != _batchShape)
            throw new ArgumentException($"This trainer takes batches {_batchShape}; {name} gives {shape}.", name);
    }
}
