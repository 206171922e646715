using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using TorchSharp;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>One pass of one convolution, without bias, against the peer's. Errors are against the peer's float64 result.</summary>
/// <param name="Problem">Measured as its dims say; the peer keeps to its own two memory orders.</param>
/// <param name="Pass">"fwd", "bwdd" or "bwdw".</param>
/// <param name="Precision">How far ours may round.</param>
/// <param name="Steady">What code has run until it was steady; contests of other problems that share it need only a short time.</param>
internal sealed record ConvContest(Problem Problem, string Pass, Precision Precision, HashSet<(ConvolutionAlgorithm Algorithm, Layout Layout, string Pass)> Steady)
{
    // What Precision.Fast promises, with nothing to spare.
    private const double WinogradTolerance = 1e-5;

    // Above the rounding of sums over all pixels of a batch, far below a wrong index.
    private const double SumTolerance = 5e-6;

    private Conv2dDims Dims => Problem.Dims;

    /// <summary>Lines for all numbers of threads; data and reference are made once.</summary>
    /// <exception cref="WrongResultException">Ours differs from the reference.</exception>
    public IEnumerable<Row> Run(IReadOnlyList<int> threads, TurnPlan plan, CancellationToken cancel)
    {
        var data = new ConvData(Dims);
        double[]? reference = Refusal is null ? Reference(data, threads.Max()) : null;
        return [.. threads.SelectMany(count => Run(count, data, reference, plan, cancel))];
    }

    private string? Refusal =>
        Dims.PadTop != Dims.PadBottom || Dims.PadLeft != Dims.PadRight
            ? "takes no padding that differs between opposite sides"
            : Torch.Unavailable;

    private IEnumerable<Row> Run(int threads, ConvData data, double[]? reference, TurnPlan plan, CancellationToken cancel)
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = threads, Precision = Precision });
        var convolution = new OurConvolution(Dims, data, context);
        ConvolutionAlgorithm algorithm = convolution.Algorithm(Pass);
        if (!Steady.Add((algorithm, Dims.Layout, Pass)))
            plan = plan with { SteadyBlocks = 1 };
        Contestant ours = new("ours", convolution.Step(Pass));
        Row line = new(Dims.ToString(), Pass, Dims.N, threads, algorithm.ToString(), null, "", null, null)
        {
            Name = Problem.Name, Flops = Dims.Flops, WorkspaceMb = convolution.WorkspaceBytes(Pass) / 1048576.0,
        };
        if (reference is null)
        {
            Timing alone = Turns.Run([ours], plan, cancel)[0];
            return [.. Torch.Variants.Select(p => line with { OursMs = alone.Median, OursBestMs = alone.Best, Peer = $"{p.Name}: not available: {Refusal}" })];
        }

        double error = Difference.Relative(convolution.Result(Pass), reference);
        double tolerance = algorithm == ConvolutionAlgorithm.WinogradF4 ? WinogradTolerance : SumTolerance;
        if (!(error <= tolerance))
            throw new WrongResultException($"Not timed, because the result of {algorithm} with {threads} thread(s) differs from float64's by {error:0.0E+0} of the largest value, above {tolerance:0.0E+0}.");

        Torch.SetThreads(threads);
        TorchConvolution[] peers = [.. Torch.Variants.Select(p => new TorchConvolution(Dims, data, p.ChannelsLast))];
        try
        {
            Timing[] timings = Turns.Run(
                [ours, .. peers.Select((peer, i) => new Contestant(Torch.Variants[i].Name, peer.Step(Pass)) { IsNative = true })], plan, cancel);
            return [.. peers.Select((peer, i) => line with
            {
                OursMs = timings[0].Median,
                OursBestMs = timings[0].Best,
                Peer = Torch.Variants[i].Name,
                PeerMs = timings[i + 1].Median,
                PeerBestMs = timings[i + 1].Best,
                Error = error,
                PeerError = Difference.Relative(Array.ConvertAll(peer.Result(Pass), v => (float)v), reference),
            })];
        }
        finally
        {
            foreach (TorchConvolution peer in peers)
                peer.Dispose();
        }
    }

    private double[] Reference(ConvData data, int threads)
    {
        Torch.SetThreads(threads);
        using var exact = new TorchConvolution(Dims, data, channelsLast: false, torch.ScalarType.Float64);
        return exact.Result(Pass);
    }
}
