using System.Globalization;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>Seven loops as the definition has them, on one thread, summed in float64: the floor, and a reference that depends on no library.</summary>
internal sealed class NaiveConvolution(Conv2dDims dims, ConvData data) : IPeerConvolution
{
    /// <summary>About a quarter of a second; above it, waiting says nothing new.</summary>
    public const double MostFlops = 2e8;

    private double[] _result = [];

    /// <summary>Null where it is worth waiting for.</summary>
    public static string? Refusal(Conv2dDims dims) =>
        dims.Flops <= MostFlops ? null
        : string.Create(CultureInfo.InvariantCulture, $"skipped: too large, {dims.Flops * 1e-9:0.00} GFLOP, more than {MostFlops * 1e-9:0.0}");

    public Action Step(string pass) => pass switch
    {
        "fwd" => () => Run(ConvolutionPass.Forward, data.Y.Shape.Count),
        "bwdd" => () => Run(ConvolutionPass.BackwardData, data.X.Shape.Count),
        _ => () => Run(ConvolutionPass.BackwardWeights, data.Weights.Shape.Count),
    };

    public double[] Result(string pass)
    {
        Step(pass)();
        return _result;
    }

    public void Dispose()
    {
    }

    private void Run(ConvolutionPass pass, int length)
    {
        if (_result.Length == length)
            Array.Clear(_result);
        else
            _result = new double[length];
        for (int n = 0; n < dims.N; n++)
        {
            for (int oc = 0; oc < dims.OC; oc++)
            {
                for (int oh = 0; oh < dims.OH; oh++)
                {
                    for (int ow = 0; ow < dims.OW; ow++)
                        Window(pass, n, oc, oh, ow);
                }
            }
        }
    }

    // What one output and one window of inputs have to do with each other.
    private void Window(ConvolutionPass pass, int n, int oc, int oh, int ow)
    {
        ReadOnlySpan<float> x = data.X.Span, w = data.Weights.Span, dy = data.Dy.Span;
        int channels = dims.IC / dims.Groups, first = oc / (dims.OC / dims.Groups) * channels;
        int y = ((n * dims.OC + oc) * dims.OH + oh) * dims.OW + ow;
        for (int c = 0; c < channels; c++)
        {
            for (int kh = 0; kh < dims.KH; kh++)
            {
                int ih = oh * dims.StrideH + kh * dims.DilationH - dims.PadTop;
                for (int kw = 0; kw < dims.KW; kw++)
                {
                    int iw = ow * dims.StrideW + kw * dims.DilationW - dims.PadLeft;
                    if ((uint)ih >= (uint)dims.IH || (uint)iw >= (uint)dims.IW)
                        continue;
                    int from = ((n * dims.IC + first + c) * dims.IH + ih) * dims.IW + iw;
                    int weight = ((oc * channels + c) * dims.KH + kh) * dims.KW + kw;
                    if (pass == ConvolutionPass.Forward)
                        _result[y] += (double)x[from] * w[weight];
                    else if (pass == ConvolutionPass.BackwardData)
                        _result[from] += (double)dy[y] * w[weight];
                    else
                        _result[weight] += (double)dy[y] * x[from];
                }
            }
        }
    }
}
