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
/// TorchSharp's Conv2d with zero padding, computed by the engine: x [N, IC, H, W] → y [N, OC, OH, OW]. Parameters "weight" [OC, IC/groups, KH, KW] and, unless
/// left out, "bias" [OC]. y lies in the memory order that is the faster one: channels_last where channels come in sixteens and aren't grouped, whatever order
/// x has; so a network copies its images once. Use reshape or flatten, not view, behind it.
/// </summary>
public sealed class HybridConv2d : HybridModule
{
    private readonly ConcurrentDictionary<Conv2dDims, ConvolutionPlan> _plans = [];
    private readonly (int Height, int Width) _kernelSize, _stride, _dilation;
    private readonly (int Top, int Left, int Bottom, int Right) _padding;
    private readonly int _groups;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    /// <summary>Square kernels, the same on every side; starts as TorchSharp's Conv2d does.</summary>
    /// <param name="inChannels">IC.</param>
    /// <param name="outChannels">OC.</param>
    /// <param name="kernelSize">Kernel elements along height and width.</param>
    /// <param name="stride">Input elements from one output to the next.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="dilation">Input elements from one kernel element to the next.</param>
    /// <param name="groups">Groups of channels that don't see each other.</param>
    /// <param name="bias">Whether each filter has a bias.</param>
    /// <param name="options">Threads, precision and workspace; null for as many threads as PyTorch has now, and the defaults.</param>
    public HybridConv2d(
        int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int dilation = 1, int groups = 1, bool bias = true,
        ComputeOptions? options = null)
        : this(nn.Conv2d(inChannels, outChannels, kernelSize, stride, padding, dilation, groups: groups, bias: bias), options)
    {
    }

    /// <summary>Takes over a module of TorchSharp: its settings, its parameters themselves, whether it trains. That module is not to be disposed of.</summary>
    /// <exception cref="ArgumentException"><see cref="Refusal(Conv2d)"/> has a reason.</exception>
    public HybridConv2d(Conv2d original, ComputeOptions? options = null)
        : base(nameof(Conv2d), options)
    {
        ArgumentNullException.ThrowIfNull(original);
        if (Refusal(original) is { } reason)
            throw new ArgumentException(reason, nameof(original));
        (_weight, _bias) = (original.weight, original.bias);
        (_kernelSize, _stride, _dilation) = (Pair(original.kernel_size), Pair(original.stride), Pair(original.dilation));
        _groups = (int)original.groups;
        _padding = PaddingOf(original);
        Retire(original);
        RegisterComponents();
        train(original.training);
    }

    /// <summary>Why a module of TorchSharp can't be taken over; null if it can.</summary>
    public static string? Refusal(Conv2d original)
    {
        ArgumentNullException.ThrowIfNull(original);
        return original.padding_mode != PaddingModes.Zeros ? $"padding_mode is {original.padding_mode}; the engine pads with zeros"
            : ParameterRefusal(original.weight, "weight") ?? ParameterRefusal(original.bias, "bias");
    }

    /// <summary>weight [OC, IC/groups, KH, KW].</summary>
    public Parameter Weight => _weight;

    /// <summary>bias [OC], or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if ((Refusal(input) ?? ParameterRefusal(_weight, "weight") ?? ParameterRefusal(_bias, "bias")) is { } reason)
        {
            CountFallback(reason);
            return ByTorch(input, _weight, _bias);
        }

        long channels = _weight.shape[1] * _groups;
        if (input.shape[1] != channels)
            throw new ArgumentException($"The convolution has {channels} input channels; x {ShapeOf(input, Layout.Nchw)} has {input.shape[1]}.", nameof(input));
        Calls++;
        var call = new ConvolutionCall(this, PlanOf(input), input, _weight, _bias);
        if (NeedsGraph(input, _weight, _bias))
            return HybridFunction.Run(call, input, _weight, _bias);
        using (call)
            return call.Forward(input, _weight, _bias, []);
    }

    /// <inheritdoc/>
    public override string Explain() => string.Join(Environment.NewLine, _plans.Values.Select(plan => plan.Explain()).Append(Counts));

    internal Tensor ByTorch(Tensor x, Tensor weight, Tensor? bias)
    {
        if (_padding.Top == _padding.Bottom && _padding.Left == _padding.Right)
            return Convolve(x, [_padding.Top, _padding.Left]);
        using Tensor padded = nn.functional.pad(x, [_padding.Left, _padding.Right, _padding.Top, _padding.Bottom]);
        return Convolve(padded, [0, 0]);

        Tensor Convolve(Tensor images, long[] padding) => nn.functional.conv2d(
            images, weight, bias, [_stride.Height, _stride.Width], padding, [_dilation.Height, _dilation.Width], _groups);
    }

    private ConvolutionPlan PlanOf(Tensor x)
    {
        Shape shape = ShapeOf(x, Images.LayoutOf(x) ?? Layout.Nchw);
        Conv2dDims dims = Conv2dDims.Create(
            shape[0], shape[1], shape[2], shape[3], (int)_weight.shape[0], _kernelSize.Height, _kernelSize.Width, _stride.Height, _stride.Width,
            _padding.Top, _padding.Left, _padding.Bottom, _padding.Right, _dilation.Height, _dilation.Width, _groups, shape.Layout);
        return PlanFor(_plans, dims.In(ConvolutionPlan.PreferredLayout(dims)), key => new ConvolutionPlan(key, options: Context.Options));
    }

    private static (int Height, int Width) Pair(long[] values) => (checked((int)values[0]), checked((int)values[1]));

    // "Same" puts the odd one below and on the right.
    private static (int Top, int Left, int Bottom, int Right) PaddingOf(Conv2d original)
    {
        if (original.padding is { } padding)
        {
            (int height, int width) = Pair(padding);
            return (height, width, height, width);
        }

        if (original.padding_type != Padding.Same)
            return default;
        long rows = original.dilation[0] * (original.kernel_size[0] - 1), columns = original.dilation[1] * (original.kernel_size[1] - 1);
        return ((int)(rows / 2), (int)(columns / 2), (int)(rows - rows / 2), (int)(columns - columns / 2));
    }
}
