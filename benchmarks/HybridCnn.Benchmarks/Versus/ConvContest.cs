using HybridCnn.Benchmarks.Machine;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using TorchSharp;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>One pass of one convolution, without bias, against the peers'. Errors are against a float64 result.</summary>
/// <param name="Problem">Measured as its dims say; the peers keep to their own memory orders.</param>
/// <param name="Pass">"fwd", "bwdd" or "bwdw".</param>
/// <param name="Precision">How far ours may round.</param>
/// <param name="Peers">Whom to compare with.</param>
/// <param name="Steady">What code has run until it was steady; contests of other problems that share it need only a short time.</param>
internal sealed record ConvContest(
    Problem Problem, string Pass, Precision Precision, IReadOnlyList<ConvolutionPeer> Peers, HashSet<(ConvolutionAlgorithm Algorithm, Layout Layout, string Pass)> Steady)
{
    // What Precision.Fast promises, with nothing to spare.
    private const double WinogradTolerance = 1e-5;

    // Above the rounding of sums over all pixels of a batch, far below a wrong index.
    private const double SumTolerance = 5e-6;

    // Far above any peer's rounding: a peer that was asked something else.
    private const double PeerTolerance = 1e-4;

    private Conv2dDims Dims => Problem.Dims;

    /// <summary>Lines for all numbers of threads; data and reference are made once.</summary>
    /// <exception cref="WrongResultException">Somebody's result differs from the reference.</exception>
    public IEnumerable<Row> Run(IReadOnlyList<int> threads, TurnPlan plan, CancellationToken cancel)
    {
        var data = new ConvData(Dims);
        double[]? reference = Reference(data, threads.Max());
        return [.. threads.SelectMany(count => Run(count, data, reference, plan, cancel))];
    }

    private IEnumerable<Row> Run(int threads, ConvData data, double[]? reference, TurnPlan plan, CancellationToken cancel)
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = threads, Precision = Precision });
        var convolution = new OurConvolution(Dims, data, context);
        ConvolutionAlgorithm algorithm = convolution.Algorithm(Pass);
        if (!Steady.Add((algorithm, Dims.Layout, Pass)))
            plan = plan with { SteadyBlocks = 1 };
        Row line = new(Dims.ToString(), Pass, Dims.N, threads, algorithm.ToString(), null, "", null, null)
        {
            Name = Problem.Name, Repeat = Problem.Repeat, Dims = Dims, Flops = Dims.Flops,
            WorkspaceMb = convolution.WorkspaceBytes(Pass) / 1048576.0,
            Error = Error($"{algorithm} with {threads} thread(s)", convolution.Result(Pass), reference, algorithm == ConvolutionAlgorithm.WinogradF4 ? WinogradTolerance : SumTolerance),
        };
        ConvolutionPeer[] peers = [.. Peers.Where(peer => Pass == "fwd" || !peer.IsForwardOnly)];
        var opened = new Dictionary<ConvolutionPeer, IPeerConvolution>();
        try
        {
            foreach (ConvolutionPeer peer in peers.Where(peer => peer.Refusal(Dims) is null))
                opened.Add(peer, peer.Open(Dims, data, context));
            Dictionary<ConvolutionPeer, double?> errors = opened.ToDictionary(
                peer => peer.Key, peer => Error(peer.Key.Name, Array.ConvertAll(peer.Value.Result(Pass), v => (float)v), reference, PeerTolerance));
            Timing[] timings = Turns.Run(
            [
                new("ours", convolution.Step(Pass)), new("multiply-adds", () => MultiplyAdds.Run(context.Workers)) { IsNative = true },
                .. opened.Select(peer => new Contestant(peer.Key.Name, peer.Value.Step(Pass)) { IsNative = peer.Key.IsNative }),
            ], plan, cancel);
            line = line with { OursMs = timings[0].Median, OursBestMs = timings[0].Best, FmaRate = threads * MultiplyAdds.Flops / timings[1].Median * 1e-6 };
            Dictionary<ConvolutionPeer, Timing> times = opened.Keys.Zip(timings.Skip(2)).ToDictionary(pair => pair.First, pair => pair.Second);
            return peers.Length == 0
                ? [line with { Peer = "none of the peers computes this pass" }]
                : [.. peers.Select(peer => peer.Refusal(Dims) is { } refusal
                    ? line with { Peer = $"{peer.Name}: {refusal}", IsFloor = peer.IsFloor }
                    : line with { Peer = peer.Name, IsFloor = peer.IsFloor, PeerMs = times[peer].Median, PeerBestMs = times[peer].Best, PeerError = errors[peer] })];
        }
        finally
        {
            foreach (IPeerConvolution peer in opened.Values)
                peer.Dispose();
        }
    }

    /// <summary>The pass in float64: the peer's where it takes the problem, else by plain loops where they take no age; null otherwise.</summary>
    private double[]? Reference(ConvData data, int threads)
    {
        if (TorchConvolution.Refusal(Dims) is null)
        {
            Torch.SetThreads(threads);
            using var exact = new TorchConvolution(Dims, data, channelsLast: false, torch.ScalarType.Float64);
            return exact.Result(Pass);
        }

        return NaiveConvolution.Refusal(Dims) is null ? new NaiveConvolution(Dims, data).Result(Pass) : null;
    }

    private static double? Error(string who, ReadOnlySpan<float> result, double[]? reference, double tolerance)
    {
        if (reference is null)
            return null;
        double error = Difference.Relative(result, reference);
        return error <= tolerance
            ? error
            : throw new WrongResultException($"Not timed, because the result of {who} differs from float64's by {error:0.0E+0} of the largest value, above {tolerance:0.0E+0}.");
    }
}
