using HybridCnn.Benchmarks.Machine;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Tensors;
using TorchSharp;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>All passes of one operator against the peer's, both sides in both memory orders. Errors are against the peer's float64 result.</summary>
/// <param name="Problem">The operator and its shape.</param>
/// <param name="Layouts">Memory orders of ours.</param>
internal sealed record OpContest(OpProblem Problem, IReadOnlyList<Layout> Layouts)
{
    // Above the rounding of sums over all pixels of a batch, far below a wrong index.
    private const double SumTolerance = 5e-6;

    /// <summary>Lines for all numbers of threads; data and reference are made once.</summary>
    /// <exception cref="WrongResultException">Ours differs from the reference.</exception>
    public IEnumerable<Row> Run(IReadOnlyList<int> threads, TurnPlan plan, CancellationToken cancel)
    {
        var data = new OpData(Problem);
        if (Torch.Unavailable is { } reason)
        {
            return
            [
                .. from count in threads
                   from pass in Problem.Passes
                   from row in Run(pass, count, data, [], [], plan, cancel)
                   from peer in Torch.Variants
                   select row with { Peer = $"{peer.Name}: not available: {reason}" },
            ];
        }

        Torch.SetThreads(threads.Max());
        Dictionary<string, double[][]> references;
        using (var exact = new TorchOp(Problem, data, channelsLast: false, torch.ScalarType.Float64))
        {
            if (Problem.Op == "bnrelu")
            {
                data.ClearDyNearZero(exact.Result("fwd")[0]);
                exact.SetDy(data.Dy);
            }

            references = Problem.Passes.ToDictionary(pass => pass, exact.Result);
        }

        TorchOp[] peers = [.. Torch.Variants.Select(peer => new TorchOp(Problem, data, peer.ChannelsLast))];
        try
        {
            return
            [
                .. from pass in Problem.Passes
                   from count in threads
                   from row in Run(pass, count, data, peers, references[pass], plan, cancel)
                   select row,
            ];
        }
        finally
        {
            foreach (TorchOp peer in peers)
                peer.Dispose();
        }
    }

    private IEnumerable<Row> Run(string pass, int threads, OpData data, TorchOp[] peers, double[][] reference, TurnPlan plan, CancellationToken cancel)
    {
        using var context = new ComputeContext(threads);
        OurOp[] ours = [.. Layouts.Select(layout => new OurOp(Problem, data, layout, context))];
        double[] errors = [.. ours.Select(op => reference.Length == 0 ? double.NaN : Error(op.Result(pass), reference))];
        foreach ((Layout layout, double error) in Layouts.Zip(errors))
        {
            if (reference.Length > 0 && !(error <= SumTolerance))
                throw new WrongResultException($"Not timed, because the {pass} result in {layout} with {threads} thread(s) differs from float64's by {error:0.0E+0} of the largest value, above {SumTolerance:0.0E+0}.");
        }

        double[] peerErrors = [.. peers.Select(peer => Error([.. peer.Result(pass).Select(values => Array.ConvertAll(values, v => (float)v))], reference))];
        if (peers.Length > 0)
            Torch.SetThreads(threads);
        Timing[] timings = Turns.Run(
            [
                .. ours.Select((op, i) => new Contestant(Layouts[i].ToString(), op.Step(pass))),
                .. peers.Select((peer, i) => new Contestant(Torch.Variants[i].Name, peer.Step(pass)) { IsNative = true }),
            ],
            plan, cancel);
        double bytes = Problem.Bytes(pass);
        double copy = Peak.CopyGigabytes(bytes, threads);
        for (int i = 0; i < ours.Length; i++)
        {
            Row row = new(Problem.ToString(), pass, Problem.Input[0], threads, Layouts[i].ToString().ToUpperInvariant(), timings[i].Median, "", null, null)
            {
                OursBestMs = timings[i].Best, Bytes = bytes, CopyRate = copy,
            };
            if (peers.Length == 0)
                yield return row;
            for (int peer = 0; peer < peers.Length; peer++)
            {
                Timing its = timings[ours.Length + peer];
                yield return row with
                {
                    Peer = Torch.Variants[peer].Name, PeerMs = its.Median, PeerBestMs = its.Best, Error = errors[i], PeerError = peerErrors[peer],
                };
            }
        }
    }

    private static double Error(float[][] got, double[][] expected) => got.Zip(expected).Max(pair => Difference.Relative(pair.First, pair.Second));
}
