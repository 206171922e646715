using System.Collections.Concurrent;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>TorchSharp's MaxPool2d, computed by the engine: x [N, C, H, W] → y [N, C, OH, OW], in x's memory order.</summary>
public sealed class HybridMaxPool2d : HybridModule
{
    private readonly ConcurrentDictionary<Pool2dDims, MaxPoolingPlan> _plans = [];
    private readonly long[] _kernelSize, _stride, _padding, _dilation;
    private readonly bool _ceilMode;

    /// <summary>Square windows.</summary>
    /// <param name="kernelSize">Elements along height and width.</param>
    /// <param name="stride">Input elements from one window to the next; the kernel size unless given.</param>
    /// <param name="padding">Elements around the image that never win; at most half of the kernel.</param>
    /// <param name="dilation">Input elements from one element of a window to the next.</param>
    /// <param name="ceilMode">Whether a last window may reach over the edge.</param>
    /// <param name="options">Threads; null for as many as PyTorch has now.</param>
    public HybridMaxPool2d(int kernelSize, int? stride = null, int padding = 0, int dilation = 1, bool ceilMode = false, ComputeOptions? options = null)
        : this(nn.MaxPool2d(kernelSize, stride, padding, dilation, ceilMode), options)
    {
    }

    /// <summary>Takes over the settings of a module of TorchSharp.</summary>
    public HybridMaxPool2d(MaxPool2d original, ComputeOptions? options = null)
        : base(nameof(MaxPool2d), options)
    {
        ArgumentNullException.ThrowIfNull(original);
        _kernelSize = Pair(original.kernel_size);
        _stride = Pair(original.stride ?? original.kernel_size);
        _padding = Pair(original.padding ?? [0]);
        _dilation = Pair(original.dilation ?? [1]);
        _ceilMode = original.ceil_mode;
        RegisterComponents();
        train(original.training);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (Refusal(input) is { } reason)
        {
            CountFallback(reason);
            return ByTorch(input);
        }

        Calls++;
        var call = new MaxPoolingCall(this, PlanOf(input), input);
        if (NeedsGraph(input, null, null))
            return HybridFunction.Run(call, input, null, null);
        using (call)
            return call.Forward(input, null, null, []);
    }

    /// <inheritdoc/>
    public override string Explain() => string.Join(Environment.NewLine, _plans.Keys.Select(dims => dims.ToString()).Append(Counts));

    internal Tensor ByTorch(Tensor x) => nn.functional.max_pool2d(x, _kernelSize, _stride, _padding, _dilation, _ceilMode);

    private MaxPoolingPlan PlanOf(Tensor x)
    {
        Shape shape = ShapeOf(x, Images.LayoutOf(x) ?? Layout.Nchw);
        Pool2dDims Dims(Layout layout) => Pool2dDims.Create(
            shape[0], shape[1], shape[2], shape[3], (int)_kernelSize[0], (int)_kernelSize[1], (int)_stride[0], (int)_stride[1],
            (int)_padding[0], (int)_padding[1], (int)_padding[0], (int)_padding[1], (int)_dilation[0], (int)_dilation[1], _ceilMode, layout);
        // In NHWC an index is a byte.
        bool small = _kernelSize[0] * _kernelSize[1] <= byte.MaxValue + 1;
        return PlanFor(_plans, Dims(small ? shape.Layout : Layout.Nchw), static dims => new MaxPoolingPlan(dims));
    }

    private static long[] Pair(long[] values) => [checked((int)values[0]), checked((int)values[^1])];
}
