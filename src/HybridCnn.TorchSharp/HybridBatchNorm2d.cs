using System.Collections.Concurrent;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>
/// TorchSharp's BatchNorm2d, computed by the engine, with a ReLU behind it if asked for: x [N, C, H, W] → y, in x's memory order. Parameters "weight" and "bias"
/// [C]; buffers "running_mean", "running_var" [C] and "num_batches_tracked".
/// </summary>
public sealed class HybridBatchNorm2d : HybridModule
{
    private readonly ConcurrentDictionary<Shape, BatchNormalizationPlan> _plans = [];
    private readonly double _epsilon;
    private readonly double? _momentum;
    private readonly bool _tracks;

    [ComponentName(Name = "weight")]
    private readonly Parameter? _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    [ComponentName(Name = "running_mean")]
    private readonly Tensor? _runningMean;

    [ComponentName(Name = "running_var")]
    private readonly Tensor? _runningVariance;

    [ComponentName(Name = "num_batches_tracked")]
    private readonly Tensor? _batchesTracked;

    /// <summary>Starts with weight 1, bias 0, running mean 0 and running variance 1.</summary>
    /// <param name="channels">C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">The new batch's share in the running statistics.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    /// <param name="tracksStatistics">Whether there are running statistics; without, those of the batch are used in evaluation too.</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <param name="options">Threads; null for as many as PyTorch has now.</param>
    public HybridBatchNorm2d(
        int channels, double epsilon = 1e-5, double momentum = 0.1, bool affine = true, bool tracksStatistics = true, bool relu = false,
        ComputeOptions? options = null)
        : this(nn.BatchNorm2d(channels, epsilon, momentum, affine, tracksStatistics), relu, options)
    {
    }

    /// <summary>
    /// Takes over a module of TorchSharp: its settings, its parameters and buffers themselves, whether it trains. That module is not to be disposed of.
    /// A momentum of null means the mean of all batches so far.
    /// </summary>
    /// <exception cref="ArgumentException"><see cref="Refusal(BatchNorm2d)"/> has a reason.</exception>
    public HybridBatchNorm2d(BatchNorm2d original, bool relu = false, ComputeOptions? options = null)
        : base(nameof(BatchNorm2d), options)
    {
        ArgumentNullException.ThrowIfNull(original);
        if (Refusal(original) is { } reason)
            throw new ArgumentException(reason, nameof(original));
        (_epsilon, _momentum, _tracks, HasRelu) = (original.eps, original.momentum, original.track_running_stats, relu);
        if (original.affine)
            (_weight, _bias) = (original.weight, original.bias);
        if (_tracks)
            (_runningMean, _runningVariance, _batchesTracked) = (original.running_mean, original.running_var, original.num_batches_tracked);
        Retire(original);
        RegisterComponents();
        train(original.training);
    }

    /// <summary>Why a module of TorchSharp can't be taken over; null if it can.</summary>
    public static string? Refusal(BatchNorm2d original)
    {
        ArgumentNullException.ThrowIfNull(original);
        return original.affine && (ParameterRefusal(original.weight, "weight") ?? ParameterRefusal(original.bias, "bias")) is { } reason ? reason
            : original.track_running_stats ? ParameterRefusal(original.running_mean, "running_mean") ?? ParameterRefusal(original.running_var, "running_var")
            : null;
    }

    /// <summary>weight [C], or null.</summary>
    public Parameter? Weight => _weight;

    /// <summary>bias [C], or null.</summary>
    public Parameter? Bias => _bias;

    /// <summary>Whether a ReLU follows.</summary>
    public bool HasRelu { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        bool isTraining = training;
        double share = Track(isTraining);
        if ((Refusal(input) ?? ParameterRefusal(_weight, "weight") ?? ParameterRefusal(_runningMean, "running_mean")) is { } reason)
        {
            CountFallback(reason);
            return ByTorch(input, isTraining, share);
        }

        long channels = (_weight ?? _runningMean)?.shape[0] ?? input.shape[1];
        if (input.shape[1] != channels)
            throw new ArgumentException($"The normalization has {channels} channels; x {ShapeOf(input, Layout.Nchw)} has {input.shape[1]}.", nameof(input));
        Calls++;
        BatchNormalizationPlan plan = PlanFor(_plans, ShapeOf(input, Images.LayoutOf(input) ?? Layout.Nchw), shape => new(shape, _epsilon));
        var call = new BatchNormalizationCall(this, plan, isTraining || !_tracks, share, input);
        if (NeedsGraph(input, _weight, _bias))
            return HybridFunction.Run(call, input, _weight, _bias);
        using (call)
            return call.Forward(input, _weight, _bias, []);
    }

    /// <inheritdoc/>
    public override string Explain() => string.Join(Environment.NewLine, _plans.Keys.Select(shape => shape.ToString()).Append(Counts));

    internal Tensor? RunningMean => _runningMean;

    internal Tensor? RunningVariance => _runningVariance;

    // Counts the batch; what share of the running statistics it is.
    private double Track(bool isTraining)
    {
        if (!isTraining || _batchesTracked is null)
            return _momentum ?? 0;
        using (no_grad())
            _batchesTracked.add_(1);
        return _momentum ?? 1.0 / _batchesTracked.item<long>();
    }

    private Tensor ByTorch(Tensor x, bool isTraining, double share)
    {
        bool given = !isTraining || _tracks;
        Tensor y = nn.functional.batch_norm(
            x, given ? _runningMean : null, given ? _runningVariance : null, _weight, _bias, isTraining || !_tracks, share, _epsilon);
        if (!HasRelu)
            return y;
        using (y)
            return nn.functional.relu(y);
    }
}
