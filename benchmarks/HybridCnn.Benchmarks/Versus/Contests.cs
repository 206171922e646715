using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>A part of a run that gives complete rows.</summary>
internal sealed record Contest(string Title, Func<IEnumerable<Row>> Run);

/// <summary>What a request comes to, in the order in which it is measured.</summary>
internal static class Contests
{
    public static IEnumerable<Contest> Of(VersusRequest request, CancellationToken cancel) =>
        Networks(request, cancel).Concat(Bridges(request, cancel)).Concat(Inferences(request, cancel)).Concat(Memories(request)).Concat(Operators(request, cancel)).Concat(Convolutions(request, cancel));

    private static IEnumerable<Contest> Networks(VersusRequest request, CancellationToken cancel) =>
        from threads in request.Threads
        from network in request.Networks
        select new Contest($"{network}, {threads} thread(s)", () => NetContest.Run(network, request.StepBatch, threads, request.Plan, cancel));

    private static IEnumerable<Contest> Bridges(VersusRequest request, CancellationToken cancel) =>
        from threads in request.Threads
        from network in request.Bridged
        select new Contest($"{network} swapped, {threads} thread(s)", () => BridgeContest.Run(network, request.StepBatch, threads, request.Plan, cancel));

    private static IEnumerable<Contest> Inferences(VersusRequest request, CancellationToken cancel) =>
        from threads in request.Threads
        from network in request.Inferred
        from batch in request.InferredBatches
        select new Contest($"{network}, {batch} image(s), {threads} thread(s)", () => InferenceContest.Run(network, batch, threads, request.Plan, cancel));

    private static IEnumerable<Contest> Memories(VersusRequest request) =>
        from threads in request.Threads
        from network in request.Memories
        select new Contest($"{network}, {threads} thread(s), memory", () => [.. MemoryContest.Run(network, request.MemoryBatch(network), threads)]);

    private static IEnumerable<Contest> Operators(VersusRequest request, CancellationToken cancel)
    {
        foreach (string op in request.Operators)
        {
            if (op == "im2col")
                yield return new("im2col", () => CopyContest.Im2Col(request.Threads, request.Plan, cancel));
            else if (op == "layout")
                yield return new("layout", () => CopyContest.Layout(request.Plan, cancel));
            else
            {
                foreach (OpProblem problem in OpProblem.Of(op, request.OperatorShape))
                    yield return new($"{problem}", () => new OpContest(problem, request.Layout.Orders(problem)).Run(request.Threads, request.Plan, cancel));
            }
        }
    }

    // Small ones first: by the time that the large ones come, whose steps are few, all code has been compiled for good.
    private static IEnumerable<Contest> Convolutions(VersusRequest request, CancellationToken cancel)
    {
        var steady = new HashSet<(ConvolutionAlgorithm, Layout, string)>();
        return
            from problem in request.Convolutions
            orderby problem.Dims.Flops
            from pass in request.Passes
            select new Contest(
                $"{(problem.Name.Length > 0 ? problem.Name : problem.Dims)} {pass}",
                () => new ConvContest(problem, pass, request.Precision, request.Peers, steady).Run(request.Threads, request.Plan, cancel));
    }
}
