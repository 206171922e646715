using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>A whole training step of one network against the peer's, on one fixed random batch.</summary>
internal static class NetContest
{
    // How far the two sides may lie apart before their times are not worth comparing: every parameter of a shallow network by itself; of a deep one all parameters
    // together, as rounding turns single ReLUs and maxima the other way, and a normalization leaves nothing but rounding of the gradient of a bias before it.
    private const double Tolerance = 2e-3, DeepTolerance = 0.1;

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
            double[] errors = Check(ours.Step, ours.Parameters, initial, peers, isDeep: !network.StartsWith("lenet", StringComparison.Ordinal));
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

    /// <summary>Three steps from the same weights on the same batch: losses and what the steps changed have to agree.</summary>
    public static double[] Check(Func<float> ourStep, Func<Dictionary<string, float[]>> ourParameters, Dictionary<string, float[]> initial, TorchTraining[] peers, bool isDeep)
    {
        float[] ourLosses = [.. Enumerable.Range(0, CheckedSteps).Select(_ => ourStep())];
        Dictionary<string, float[]> ourResult = ourParameters();
        double[] errors = new double[peers.Length];
        for (int i = 0; i < peers.Length; i++)
        {
            float[] losses = [.. Enumerable.Range(0, CheckedSteps).Select(_ => peers[i].StepWithLoss())];
            Dictionary<string, float[]> result = peers[i].Parameters();
            double loss = Difference.Relative(ourLosses, Array.ConvertAll(losses, l => (double)l));
            (string name, double change) = isDeep
                ? ("all parameters", Difference.OfAllChanges(initial, ourResult, result))
                : result.Keys.Select(key => (key, Difference.OfChange(initial[key], ourResult[key], result[key]))).MaxBy(pair => pair.Item2);
            errors[i] = Math.Max(loss, change);
            if (!(loss <= Tolerance && change <= (isDeep ? DeepTolerance : Tolerance)))
                throw new WrongResultException(
                    $"Not timed, because the results differ from {Torch.Variants[i].Name}'s after {CheckedSteps} steps: losses by {loss:0.0E+0} (ours {string.Join(", ", ourLosses)}; "
                    + $"peer {string.Join(", ", losses)}), the change of {name} by {change:0.0E+0} of it.");
        }

        return errors;
    }
}
