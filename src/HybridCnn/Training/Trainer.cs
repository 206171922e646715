using System.Diagnostics;
using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using Softmax = HybridCnn.Kernels.Softmax;

namespace HybridCnn.Training;

/// <summary>
/// Trains a network in steps of one batch: learning rate, forward, loss, clear gradients, backward, clip, update, average. A step
/// allocates nothing, and the same seed and number of threads give the same bits. One call at a time.
/// </summary>
public sealed class Trainer
{
    /// <summary>What goes before the names of the averages in <see cref="State"/>.</summary>
    internal const string AverageName = "average";

    private readonly Loss _loss;
    private readonly Optimizer _optimizer;
    private readonly ComputeContext _context;
    private readonly Shape _batchShape;
    private readonly Tensor _output;
    private readonly Tensor _gradient;
    private readonly Tensor _images;
    private readonly int[] _labels;
    private Tensor? _target;
    private TimeSpan _batchWait;

    /// <summary>Binds the network to batches of one shape.</summary>
    /// <param name="network">Maps [N, C, H, W] to what the loss takes: logits [N, K].</param>
    /// <param name="loss">What to minimize.</param>
    /// <param name="optimizer">Holds the network's parameters.</param>
    /// <param name="context">Threads and scratch memory, used by this trainer's calls alone while they last.</param>
    /// <param name="batchShape">[N, C, H, W], of every batch.</param>
    /// <exception cref="ArgumentException">The network cannot take that shape, doesn't end in what the loss takes, or shares no parameter with the optimizer.</exception>
    public Trainer(Network network, Loss loss, Optimizer optimizer, ComputeContext context, Shape batchShape)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(context);
        if (!optimizer.Parameters.Any(network.Parameters.Contains))
            throw new ArgumentException("The optimizer holds none of the network's parameters.", nameof(optimizer));
        Shape output = network.Bind(batchShape);
        try
        {
            loss.RequireOutput(output);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"For {batchShape} the network ends in {output}, which the loss doesn't take. {e.Message}", nameof(network), e);
        }

        Network = network;
        _loss = loss;
        _optimizer = optimizer;
        _context = context;
        _batchShape = batchShape;
        _output = new Tensor(output);
        _gradient = new Tensor(output);
        _images = new Tensor(batchShape);
        _labels = new int[batchShape[0]];
    }

    /// <summary>What is trained.</summary>
    public Network Network { get; }

    /// <summary>Sets the optimizer's learning rate before every step; null leaves it as it is.</summary>
    public Schedule? Schedule { get; set; }

    /// <summary>Clips the gradients before the optimizer's step; null leaves them as they are.</summary>
    public GradientClipping? Clipping { get; set; }

    /// <summary>Averages the network's weights after every step; null averages nothing.</summary>
    public WeightAverage? Average { get; set; }

    /// <summary>The epoch that steps count towards, from 1.</summary>
    public int Epoch { get; private set; } = 1;

    /// <summary>Steps taken so far.</summary>
    public long Steps { get; private set; }

    /// <summary>
    /// All that training needs to go on bit for bit, besides the network's own state and the order of the images: "epoch", "steps", and under
    /// "optimizer", "schedule" and "average" what those remember. Save it between steps.
    /// </summary>
    public TrainingState State
    {
        get
        {
            TrainingState own = new([],
            [
                NamedNumber.Counter("epoch", () => Epoch, value => Epoch = checked((int)Math.Max(value, 1))),
                NamedNumber.Counter("steps", () => Steps, value => Steps = value),
            ]);
            return TrainingState.Join(
                ("trainer", own), ("optimizer", _optimizer.State), ("schedule", Schedule?.State ?? TrainingState.Empty), (AverageName, Average?.State ?? TrainingState.Empty));
        }
    }

    /// <summary>Called after every step of <see cref="Step(Tensor, ReadOnlySpan{int})"/> or <see cref="TrainEpoch"/>.</summary>
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
    public StepResult Step(Tensor images, ReadOnlySpan<int> labels)
    {
        Forward(images);
        float loss = _loss.Forward(_output, labels, _gradient);
        Update(images, loss);
        int correct = 0;
        for (int n = 0; n < labels.Length; n++)
            correct += Softmax.Predict(_output.Item(n)) == labels[n] ? 1 : 0;
        return Done(loss, correct);
    }

    /// <summary>One training step towards a target: shares of classes, as of mixed images, or whatever the loss takes.</summary>
    /// <param name="images">[N, C, H, W], of the batch shape.</param>
    /// <param name="target">Of the output's shape. An image counts as correct where output and target are the largest in the same place.</param>
    /// <exception cref="DivergedException">The loss is not finite; the weights are still those that it was computed with.</exception>
    public StepResult Step(Tensor images, Tensor target)
    {
        Forward(images);
        float loss = _loss.Forward(_output, target, _gradient);
        Update(images, loss);
        int correct = 0;
        for (int n = 0; n < _output.Shape[0]; n++)
            correct += Softmax.Predict(_output.Item(n)) == Softmax.Predict(target.Item(n)) ? 1 : 0;
        return Done(loss, correct);
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
        while (completed && NextBatch(loader) is { } batch)
        {
            waited += _batchWait;
            if (batch.Count < _labels.Length)
                throw new ArgumentException($"A training batch has {_labels.Length} images; the loader gave {batch.Count}. Give it a random sequence to shuffle by.", nameof(loader));
            StepResult step = batch.IsMixed ? Step(batch.Images, MixedTarget(batch)) : Step(batch.Images, batch.Labels);
            loss += step.Loss * (double)step.Count;
            correct += step.Correct;
            seen += step.Count;
            onStep?.Invoke(step);
            completed = !cancellation.IsCancellationRequested;
        }

        // The wait for the end of the epoch belongs to no step.
        waited += _batchWait;
        _batchWait = TimeSpan.Zero;
        var result = new EpochResult(Epoch, loss / Math.Max(seen, 1), correct, seen, Stopwatch.GetElapsedTime(started), waited, completed);
        if (completed)
            Epoch++;
        EpochDone?.Invoke(result);
        return result;
    }

    /// <summary>Classifies every image of <paramref name="data"/>; changes no weight.</summary>
    /// <param name="data">Images of the batch shape's size; the number need not be a multiple of the batch.</param>
    /// <param name="averaged">Whether with the averages of <see cref="Average"/> instead of the weights.</param>
    /// <param name="cancellation">Ends the evaluation after the batch that is running.</param>
    /// <exception cref="ArgumentException">Images of another size, or a label that the network has no logit for.</exception>
    /// <exception cref="InvalidOperationException">There are no averages, or the network doesn't end in [N, K].</exception>
    public EvaluationResult Evaluate(ImageDataset data, bool averaged = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!averaged)
            return Evaluate(data, cancellation);
        WeightAverage average = Average ?? throw new InvalidOperationException("There are no averages to evaluate with; set Average before training.");
        average.Exchange();
        try
        {
            return Evaluate(data, cancellation);
        }
        finally
        {
            average.Exchange();
        }
    }

    private EvaluationResult Evaluate(ImageDataset data, CancellationToken cancellation)
    {
        if (_output.Shape.Rank != 2)
            throw new InvalidOperationException($"Classes need a network that ends in [N, K]; it ends in {_output.Shape}.");
        var loader = new BatchLoader(data, _batchShape[0], shuffle: null);
        RequireBatchShape(loader.BatchShape, nameof(data));
        int classes = _output.Shape[1];
        var losses = new float[data.Count];
        var predictions = new int[data.Count];
        var confusion = new int[classes, classes];
        int seen = 0;
        while (loader.Next(_images, _labels, out int count))
        {
            Network.Predict(_images, _output, _context);
            _loss.PerImage(_output, _labels.AsSpan(0, count), losses.AsSpan(seen, count));
            for (int n = 0; n < count; n++)
            {
                predictions[seen + n] = Softmax.Predict(_output.Item(n));
                confusion[_labels[n], predictions[seen + n]]++;
            }

            seen += count;
            if (cancellation.IsCancellationRequested)
                break;
        }

        return new EvaluationResult(losses[..seen], predictions[..seen], confusion);
    }

    private Batch? NextBatch(BatchSource loader)
    {
        long asked = Stopwatch.GetTimestamp();
        Batch? batch = loader.NextBatch();
        _batchWait = Stopwatch.GetElapsedTime(asked);
        return batch;
    }

    // The shares of both labels: for cross-entropy the same loss as that of each label times its share.
    private Tensor MixedTarget(Batch batch)
    {
        _target ??= new Tensor(_output.Shape);
        _target.Span.Clear();
        for (int n = 0; n < batch.Labels.Length; n++)
        {
            Span<float> shares = _target.Item(n);
            RequireClass(batch.Labels[n], n, shares.Length);
            RequireClass(batch.MixedLabels[n], n, shares.Length);
            shares[batch.Labels[n]] += batch.Lambda;
            shares[batch.MixedLabels[n]] += 1 - batch.Lambda;
        }

        return _target;
    }

    private static void RequireClass(int label, int image, int classes)
    {
        if ((uint)label >= (uint)classes)
            throw new ArgumentException($"Label {image} is {label}, but there are {classes} classes.", nameof(label));
    }

    private void Forward(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Shape != _batchShape)
            throw new ArgumentException($"This trainer takes batches {_batchShape}; got {images.Shape}.", nameof(images));
        if (Schedule is not null)
            _optimizer.LearningRate = (float)Schedule.At(Schedule.ByEpoch ? Epoch - 1 : Steps);
        Network.Forward(images, _output, _context);
    }

    private void Update(Tensor images, float loss)
    {
        if (!float.IsFinite(loss))
            throw new DivergedException(Epoch, Steps + 1, loss);
        _optimizer.ZeroGradients();
        Network.Backward(images, _output, _gradient, null, _context);
        // Without a limit of the norm there is none to look at.
        double norm = Clipping?.Clip(_context) ?? double.NaN;
        if (Clipping is { Norm: not null } && !double.IsFinite(norm))
            throw new DivergedException(Epoch, Steps + 1, loss, norm);
        _optimizer.Step(_context);
        Average?.Update(_context);
        Steps++;
    }

    private StepResult Done(float loss, int correct)
    {
        var result = new StepResult(Epoch, Steps, loss, correct, _batchShape[0]) { DataWait = _batchWait };
        _batchWait = TimeSpan.Zero;
        StepDone?.Invoke(result);
        return result;
    }

    private void RequireBatchShape(Shape shape, string name)
    {
        if (shape != _batchShape)
            throw new ArgumentException($"This trainer takes batches {_batchShape}; {name} gives {shape}.", name);
    }
}
