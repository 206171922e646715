using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.TorchSharp;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>A whole training step of the peer's network with our modules swapped in against the original, on one fixed random batch. The swapped one gets its images in planes.</summary>
internal static class BridgeContest
{
    /// <exception cref="WrongResultException">The two do not compute the same.</exception>
    public static IEnumerable<Row> Run(string network, int batch, int threads, TurnPlan plan, CancellationToken cancel)
    {
        if (Torch.Unavailable is { } reason)
            return [new(network, "swapped", batch, threads, "", null, $"torchsharp: not available: {reason}", null, null)];
        // For both sides: it is the process's.
        FreedMemory.Keep();
        Torch.SetThreads(threads);
        // For its images, labels and first weights alone.
        using var context = new ComputeContext(1);
        var source = new OurTraining(network, batch, context);
        Dictionary<string, float[]> initial = source.Parameters();
        TorchTraining Make(bool channelsLast, bool swapped) => new(network, source.Images, source.Labels, initial, source.Settings, channelsLast, swapped);
        using TorchTraining ours = Make(channelsLast: false, swapped: true);
        TorchTraining[] peers = [.. Torch.Variants.Select(peer => Make(peer.ChannelsLast, swapped: false))];
        try
        {
            double[] errors = NetContest.Check(ours.StepWithLoss, ours.Parameters, initial, peers);
            List<Contestant> contestants = [new("swapped", ours.Step), .. peers.Select((peer, i) => new Contestant(Torch.Variants[i].Name, peer.Step))];
            Timing[] timings = Turns.Run(contestants, plan, cancel);
            return [.. peers.Select((_, i) => new Row(network, "swapped", batch, threads, $"{ours.Swap!.Swapped} modules swapped", timings[0].Median, Torch.Variants[i].Name, timings[i + 1].Median, errors[i])
            {
                OursBestMs = timings[0].Best,
                PeerBestMs = timings[i + 1].Best,
            })];
        }
        finally
        {
            foreach (TorchTraining peer in peers)
                peer.Dispose();
        }
    }
}
