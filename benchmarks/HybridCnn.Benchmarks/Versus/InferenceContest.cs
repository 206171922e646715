using HybridCnn.Benchmarks.Peers;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Inference of one network on one fixed batch: ours by <see cref="Network.Predict"/>, PyTorch in both memory orders, ONNX Runtime on the same weights.</summary>
internal static class InferenceContest
{
    // Of the largest logit. Fifty layers of rounding; a weight in a wrong place gives errors of order one.
    private const double Tolerance = 2e-3;

    // Training passes that leave the running statistics somewhere else than they start.
    private const int StatisticsPasses = 3;

    /// <exception cref="WrongResultException">Somebody computes something else.</exception>
    public static IEnumerable<Row> Run(string name, int batch, int threads, TurnPlan plan, CancellationToken cancel)
    {
        using var context = new ComputeContext(threads);
        (Network network, Shape image, int classes) = OurNetwork.Create(name);
        Tensor x = ConvData.Filled(new SeededRandom(1), new Shape(batch, image[0], image[1], image[2])), y = new(network.Bind(x.Shape));
        SetStatistics(network, x, y, context);
        Dictionary<string, float[]> state = network.NamedState.ToDictionary(named => named.Name, named => named.Parameter.Value.ReadOnlySpan.ToArray());

        List<Row> rows = [];
        List<IDisposable> opened = [];
        List<(string Name, Contestant Contestant, double Error)> peers = [];
        try
        {
            if (Torch.Unavailable is null)
                Torch.SetThreads(threads);
            foreach ((string peer, bool channelsLast) in Torch.Variants)
            {
                if (Torch.Unavailable is { } reason)
                    rows.Add(Line() with { Peer = $"{peer}: not available: {reason}" });
                else
                    Enter(peer, new TorchInference(name, classes, x, state, channelsLast), torch => torch.Step, torch => torch.Result());
            }

            if (OnnxRuntime.Unavailable is { } cause)
                rows.Add(Line() with { Peer = $"onnxruntime: not available: {cause}" });
            else
                Enter("onnxruntime", new OnnxSession(OnnxNetwork.Write(network, x.Shape), x, y.Shape, threads), onnx => onnx.Run, onnx => onnx.Result());

            network.Bind(x.Shape);
            Timing[] timings = Turns.Run([new("ours", () => network.Predict(x, y, context)), .. peers.Select(peer => peer.Contestant)], plan, cancel);
            rows = [.. rows.Select(row => row with { OursMs = timings[0].Median, OursBestMs = timings[0].Best })];
            for (int i = 0; i < peers.Count; i++)
            {
                rows.Add(Line() with
                {
                    OursMs = timings[0].Median, OursBestMs = timings[0].Best, Peer = peers[i].Name, PeerMs = timings[i + 1].Median, PeerBestMs = timings[i + 1].Best,
                    Error = peers[i].Error,
                });
            }

            return rows;
        }
        finally
        {
            foreach (IDisposable peer in opened)
                peer.Dispose();
        }

        Row Line() => new($"{name}, batch {batch}", "infer", batch, threads, OurNetwork.Algorithms(network), null, "", null, null);

        void Enter<TPeer>(string peer, TPeer opponent, Func<TPeer, Action> step, Func<TPeer, double[]> result)
            where TPeer : IDisposable
        {
            opened.Add(opponent);
            y.Span.Fill(float.NaN);
            network.Bind(x.Shape);
            network.Predict(x, y, context);
            double error = Difference.Relative(y.Span, result(opponent));
            if (!(error <= Tolerance))
                throw new WrongResultException($"Not timed, because the logits differ from {peer}'s by {error:0.0E+0} of the largest.");
            peers.Add((peer, new Contestant(peer, step(opponent)) { IsNative = true }, error));
        }
    }

    private static void SetStatistics(Network network, Tensor x, Tensor y, ComputeContext context)
    {
        var random = new SeededRandom(2);
        foreach (NamedParameter named in network.NamedParameters.Where(named => named.Parameter.Shape.Rank == 1))
        {
            foreach (ref float value in named.Parameter.Value.Span)
                value += random.NextFloat(-0.1f, 0.1f);
        }

        for (int pass = 0; pass < StatisticsPasses; pass++)
            network.Forward(x, y, context);
    }
}
