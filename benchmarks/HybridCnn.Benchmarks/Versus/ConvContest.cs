using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using TorchSharp;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>One pass of one convolution, without bias, against the peer's. Errors are against the peer's float64 result.</summary>
internal static class ConvContest
{
    /// <summary>Far above rounding, far below a wrong index.</summary>
    public const double Tolerance = 1e-4;

    /// <exception cref="WrongResultException">Ours differs from the reference.</exception>
    public static IEnumerable<Row> Run(Conv2dDims dims, string pass, int threads, TurnPlan plan, CancellationToken cancel)
    {
        var options = new ComputeOptions { Threads = threads };
        using var context = new ComputeContext(options);
        var convolution = new ConvolutionPlan(dims, options: options);
        var data = new ConvData(dims);
        Contestant ours = new("ours", OurStep(convolution, pass, data, context));
        Row line = new(dims.ToString(), pass, dims.N, threads, convolution.Algorithm(PassOf(pass)).ToString(), null, "", null, null) { Flops = dims.Flops };
        if (Refusal(dims) is { } reason)
        {
            Timing alone = Turns.Run([ours], plan, cancel)[0];
            return Torch.Variants.Select(p => line with { OursMs = alone.Median, OursBestMs = alone.Best, Peer = $"{p.Name}: not available: {reason}" });
        }

        Torch.SetThreads(threads);
        double[] reference = Reference(dims, pass, data);
        data.DWeights.Span.Clear();
        ours.Step();
        double error = Difference.Relative(OurResult(pass, data), reference);
        if (!(error <= Tolerance))
            throw new WrongResultException($"Not timed, because the result differs from float64's by {error:0.0E+0} of the largest value.");

        TorchConvolution[] peers = [.. Torch.Variants.Select(p => new TorchConvolution(dims, data, p.ChannelsLast))];
        try
        {
            Timing[] timings = Turns.Run([ours, .. peers.Select((peer, i) => new Contestant(Torch.Variants[i].Name, peer.Step(pass)))], plan, cancel);
            return peers.Select((peer, i) => line with
            {
                OursMs = timings[0].Median,
                OursBestMs = timings[0].Best,
                Peer = Torch.Variants[i].Name,
                PeerMs = timings[i + 1].Median,
                PeerBestMs = timings[i + 1].Best,
                Error = error,
                PeerError = Difference.Relative(Array.ConvertAll(peer.Result(pass), v => (float)v), reference),
            }).ToList();
        }
        finally
        {
            foreach (TorchConvolution peer in peers)
                peer.Dispose();
        }
    }

    private static string? Refusal(Conv2dDims dims) =>
        dims.PadTop != dims.PadBottom || dims.PadLeft != dims.PadRight
            ? "takes no padding that differs between opposite sides"
            : Torch.Unavailable;

    private static double[] Reference(Conv2dDims dims, string pass, ConvData data)
    {
        using var exact = new TorchConvolution(dims, data, channelsLast: false, torch.ScalarType.Float64);
        return exact.Result(pass);
    }

    private static ConvolutionPass PassOf(string pass) =>
        pass == "fwd" ? ConvolutionPass.Forward : pass == "bwdd" ? ConvolutionPass.BackwardData : ConvolutionPass.BackwardWeights;

    private static Action OurStep(ConvolutionPlan plan, string pass, ConvData data, ComputeContext context) => pass switch
    {
        "fwd" => () => plan.Forward(data.X.Span, data.Weights.Span, [], data.Y.Span, context),
        "bwdd" => () => plan.BackwardData(data.Dy.Span, data.Weights.Span, data.Dx.Span, context),
        "bwdw" => () => plan.BackwardWeights(data.X.Span, data.Dy.Span, data.DWeights.Span, [], context),
        _ => throw new ArgumentException($"\"{pass}\" is no pass; there are fwd, bwdd and bwdw.", nameof(pass)),
    };

    private static ReadOnlySpan<float> OurResult(string pass, ConvData data) =>
        (pass == "fwd" ? data.Y : pass == "bwdd" ? data.Dx : data.DWeights).Span;
}
