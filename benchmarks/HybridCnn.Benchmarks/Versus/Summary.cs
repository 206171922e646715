using System.Globalization;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>How many times faster ours is than one peer, over the rows of one kind.</summary>
/// <param name="Threads">On both sides.</param>
/// <param name="Layers">Which rows.</param>
/// <param name="Peer">Whom with.</param>
/// <param name="Rows">How many.</param>
/// <param name="Ratio">Geometric mean of the ratios of medians, or the ratio of total times where that is what the rows are.</param>
/// <param name="BestRatio">The same of the best steps.</param>
/// <param name="Least">The least of the rows' ratios.</param>
/// <param name="LeastRow">Whose it is.</param>
internal sealed record SummaryLine(int Threads, string Layers, string Peer, int Rows, double Ratio, double BestRatio, double Least, string LeastRow)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Peer}, {Threads} thread(s), {Layers}: {Ratio:0.00}x, of bests {BestRatio:0.00}x, least {Least:0.00}x ({LeastRow}), {Rows} row(s)");
}

/// <summary>Groups rows as one asks for them, and takes their means.</summary>
internal static class Summary
{
    public const string Everything = "all";
    public const string BetterOfBoth = "better of nchw and channels_last";
    public const string FastestPeer = "fastest peer";

    // A geometric mean does not depend on which side is the denominator.
    private static readonly (string Name, Func<Row, bool> Holds)[] Groups =
    [
        (Everything, _ => true),
        ("forward", row => row.Dims is not null && row.Pass == "fwd"),
        ("backward, data", row => row.Pass == "bwdd"),
        ("backward, weights", row => row.Pass == "bwdw"),
        ("3x3 stride 1, C >= 64, outputs >= 28x28", row => row.Dims is { } d && IsLarge3x3(d)),
        ("1x1", row => row.Dims is { KH: 1, KW: 1 }),
        ("depthwise", row => row.Dims is { Groups: > 1 } d && d.Groups == d.IC),
    ];

    /// <summary>Every number of threads, group and peer that there are rows of.</summary>
    public static IReadOnlyList<SummaryLine> Of(IReadOnlyList<Row> rows)
    {
        List<Row> measured = [.. rows.Where(row => row.Ratio is not null)];
        List<Row> against = [.. measured, .. Fastest(measured, BetterOfBoth, row => row.Peer.StartsWith("torchsharp ", StringComparison.Ordinal))];
        if (measured.Where(row => !row.IsFloor).Select(row => row.Peer).Distinct().Count() > 2)
            against.AddRange(Fastest(measured, FastestPeer, _ => true));
        return
        [
            .. from threads in against.Select(row => row.Threads).Distinct().Order()
               from line in Groups.SelectMany(@group => Means(against, threads, @group.Name, @group.Holds)).Concat(Totals(against, threads))
               select line,
        ];
    }

    /// <summary>Of every problem, pass, number of threads and way of ours the row of the fastest of some peers, where there is more than one of them.</summary>
    public static IEnumerable<Row> Fastest(IEnumerable<Row> rows, string name, Func<Row, bool> among) =>
        from row in rows
        where row.Ratio is not null && !row.IsFloor && among(row)
        group row by (row.Name, row.Problem, row.Pass, row.Threads, row.Algorithm) into peers
        select peers.MinBy(row => row.Ratio)! with { Peer = name };

    /// <summary>What the layer is called, or its problem.</summary>
    public static string Label(Row row) => row.Name.Length > 0 ? row.Name : row.Problem;

    private static IEnumerable<SummaryLine> Means(List<Row> against, int threads, string name, Func<Row, bool> holds) =>
        from row in against
        where row.Threads == threads && holds(row)
        group row by row.Peer into rows
        select Line(threads, name, rows, Mean(rows.Select(row => row.Ratio!.Value)), Mean(rows.Select(row => row.BestRatio!.Value)));

    // A network has some layers several times, and the large ones weigh more.
    private static IEnumerable<SummaryLine> Totals(List<Row> against, int threads) =>
        !against.Any(row => row.Repeat > 1) ? [] :
        from row in against
        where row.Threads == threads && row.Dims is not null
        group row by row.Peer into rows
        select Line(threads, "total time, each layer as often as it occurs", rows,
            rows.Sum(row => row.Repeat * row.PeerMs!.Value) / rows.Sum(row => row.Repeat * row.OursMs!.Value),
            rows.Sum(row => row.Repeat * row.PeerBestMs!.Value) / rows.Sum(row => row.Repeat * row.OursBestMs!.Value));

    private static SummaryLine Line(int threads, string name, IGrouping<string, Row> rows, double ratio, double bestRatio)
    {
        Row least = rows.MinBy(row => row.Ratio)!;
        return new(threads, name, rows.Key, rows.Count(), ratio, bestRatio, least.Ratio!.Value, $"{Label(least)} {least.Pass}, {least.Algorithm}");
    }

    private static double Mean(IEnumerable<double> ratios) => Math.Exp(ratios.Average(Math.Log));

    private static bool IsLarge3x3(Conv2dDims d) =>
        d is { KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1, IC: >= 64, OH: >= 28, OW: >= 28 };
}
