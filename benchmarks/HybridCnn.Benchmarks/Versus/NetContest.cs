using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>A whole training step of one network against the peer's, on one fixed random batch.</summary>
internal static class NetContest
{
    // How far the two sides may lie apart before their times are not worth comparing: as far as this, or as some times what the peer's own two memory orders do.
    // Those round differently and are otherwise the same, so that they show what rounding alone makes of a deep network, which amplifies it.
    private const double Tolerance = 2e-3, OwnDifferences = 3;

    private const int CheckedSteps = 3;

    /// <exception cref="WrongResultException">The two sides do not compute the same.</exception>
    public static IEnumerable<Row> Run(string network, int batch, int threads, TurnPlan plan, CancellationToken cancel)
    {
        using var context = new ComputeContext(threads);
        var ours = new OurTraining(network, batch, context);
        if (Torch.Unavailable is { } reason)
        {
            Timing alone = Turns.Run([new("ours", () => ours.Step())], plan, cancel)[0];
            return Torch.Variants.Select(peer => Line(ours, network, batch, threads, alone) with { Peer = $"{peer.Name}: not available: {reason}" });
        }

        Torch.SetThreads(threads);
        Dictionary<string, float[]> initial = ours.Parameters();
        TorchTraining[] peers = [.. Torch.Variants.Select(p => new TorchTraining(network, ours.Images, ours.Labels, initial, ours.Settings, p.ChannelsLast))];
        try
        {
            double[] errors = Check(ours.Step, ours.Parameters, initial, peers);
            List<Contestant> contestants = [new("ours", () => ours.Step())];
            for (int i = 0; i < peers.Length; i++)
                contestants.Add(new(Torch.Variants[i].Name, peers[i].Step));
            Timing[] timings = Turns.Run(contestants, plan, cancel);
            return Enumerable.Range(0, peers.Length).Select(i => Line(ours, network, batch, threads, timings[0]) with
            {
                Peer = Torch.Variants[i].Name,
                PeerMs = timings[i + 1].Median,
                PeerBestMs = timings[i + 1].Best,
                Error = errors[i],
            }).ToList();
        }
        finally
        {
            foreach (TorchTraining peer in peers)
                peer.Dispose();
        }
    }

    private static Row Line(OurTraining ours, string network, int batch, int threads, Timing timing) =>
        new(network, "step", batch, threads, ours.Algorithms, timing.Median, "", null, null) { OursBestMs = timing.Best };

    /// <summary>Three steps from the same weights on the same batch: the losses and what the first step changed have to agree.</summary>
    /// <returns>How far ours is from each peer.</returns>
    public static double[] Check(Func<float> ourStep, Func<Dictionary<string, float[]>> ourParameters, Dictionary<string, float[]> initial, TorchTraining[] peers)
    {
        Steps ours = Take(ourStep, ourParameters);
        Steps[] theirs = [.. peers.Select(peer => Take(peer.StepWithLoss, peer.Parameters))];
        (double ownLoss, double ownChange) = Apart(theirs[0], theirs[1], initial);
        double[] errors = new double[peers.Length];
        for (int i = 0; i < peers.Length; i++)
        {
            (double loss, double change) = Apart(ours, theirs[i], initial);
            errors[i] = Math.Max(loss, change);
            if (!(loss <= Math.Max(Tolerance, OwnDifferences * ownLoss) && change <= Math.Max(Tolerance, OwnDifferences * ownChange)))
                throw new WrongResultException(
                    $"Not timed, because the results differ from {Torch.Variants[i].Name}'s: losses of {CheckedSteps} steps by {loss:0.0E+0} (ours {string.Join(", ", ours.Losses)}; "
                    + $"peer {string.Join(", ", theirs[i].Losses)}), what the first step changed by {change:0.0E+0} of it. The peer's two orders differ by {ownLoss:0.0E+0} and {ownChange:0.0E+0}.");
        }

        return errors;
    }

    private static Steps Take(Func<float> step, Func<Dictionary<string, float[]>> parameters)
    {
        float first = step();
        Dictionary<string, float[]> after = parameters();
        return new([first, .. Enumerable.Range(1, CheckedSteps - 1).Select(_ => step())], after);
    }

    private static (double Loss, double Change) Apart(Steps one, Steps other, Dictionary<string, float[]> initial) =>
        (Difference.Relative(one.Losses, Array.ConvertAll(other.Losses, loss => (double)loss)), Difference.OfChanges(initial, one.AfterFirst, other.AfterFirst));

    private sealed record Steps(float[] Losses, Dictionary<string, float[]> AfterFirst);
}
