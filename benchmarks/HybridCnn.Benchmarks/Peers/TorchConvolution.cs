using HybridCnn.Tensors;
using TorchSharp;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's three passes of one convolution without bias, on fixed data.</summary>
internal sealed class TorchConvolution : IPeerConvolution
{
    private readonly Conv2dDims _dims;
    private readonly torch.Tensor _x;
    private readonly torch.Tensor _weights;
    private readonly torch.Tensor _dy;
    private readonly torch.Tensor _y;

    /// <param name="dims">Padding has to be the same on opposite sides: the peer takes no other.</param>
    /// <param name="data">x, weights and dy.</param>
    /// <param name="channelsLast">All three with the channels innermost.</param>
    /// <param name="type">float32 to be timed, float64 to be the reference.</param>
    public TorchConvolution(Conv2dDims dims, ConvData data, bool channelsLast, torch.ScalarType type = torch.ScalarType.Float32)
    {
        _dims = dims;
        torch.Tensor Place(Tensor values, int a, int b, int c, int d)
        {
            using var scope = torch.NewDisposeScope();
            torch.Tensor tensor = torch.tensor(values.Span.ToArray(), [a, b, c, d]).to_type(type);
            return (channelsLast ? Torch.ToChannelsLast(tensor) : tensor).MoveToOuterDisposeScope();
        }

        _x = Place(data.X, dims.N, dims.IC, dims.IH, dims.IW);
        _weights = Place(data.Weights, dims.OC, dims.IC / dims.Groups, dims.KH, dims.KW);
        _dy = Place(data.Dy, dims.N, dims.OC, dims.OH, dims.OW);
        _x.requires_grad = true;
        _weights.requires_grad = true;
        _y = Convolve();
    }

    /// <summary>Null where the peer is there and takes the problem.</summary>
    public static string? Refusal(Conv2dDims dims) =>
        dims.PadTop != dims.PadBottom || dims.PadLeft != dims.PadRight ? "not available: takes no padding that differs between opposite sides"
        : Torch.Unavailable is { } reason ? $"not available: {reason}"
        : null;

    public Action Step(string pass) => pass switch
    {
        "fwd" => () => Forward().Dispose(),
        "bwdd" => () => Gradient(_x).Dispose(),
        "bwdw" => () => Gradient(_weights).Dispose(),
        _ => throw new ArgumentException($"\"{pass}\" is no pass; there are fwd, bwdd and bwdw.", nameof(pass)),
    };

    public double[] Result(string pass)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor result = pass == "fwd" ? Forward() : Gradient(pass == "bwdd" ? _x : _weights);
        return result.to_type(torch.ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    public void Dispose()
    {
        _y.Dispose();
        _dy.Dispose();
        _weights.Dispose();
        _x.Dispose();
    }

    private torch.Tensor Forward()
    {
        using var noGradient = torch.no_grad();
        return Convolve();
    }

    // Asked for one input's gradient, the peer computes only that one; the graph stays for the next call.
    private torch.Tensor Gradient(torch.Tensor input) =>
        torch.autograd.grad([_y], [input], [_dy], retain_graph: true)[0];

    private torch.Tensor Convolve() => torch.nn.functional.conv2d(
        _x, _weights, strides: [_dims.StrideH, _dims.StrideW], padding: [_dims.PadTop, _dims.PadLeft],
        dilation: [_dims.DilationH, _dims.DilationW], groups: _dims.Groups);
}
