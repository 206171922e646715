using System.Text.Json.Serialization;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>One line of the result: one problem, pass and number of threads, against one peer.</summary>
/// <param name="Problem">A network's name or a convolution's problem string.</param>
/// <param name="Pass">"step" (a whole training step), "swapped" (the same of the peer's network with our modules in it), "infer" (a network's prediction), "memory" (the peak of a step), "fwd", "bwdd" or "bwdw".</param>
/// <param name="Batch">Images per step.</param>
/// <param name="Threads">The same number for both sides.</param>
/// <param name="Algorithm">What ours ran.</param>
/// <param name="OursMs">Median, milliseconds.</param>
/// <param name="Peer">Who it is compared with, or "NAME: not available: REASON".</param>
/// <param name="PeerMs">Median, milliseconds.</param>
/// <param name="Error">Largest difference of the results, relative to the largest value; what of, says the README.</param>
internal sealed record Row(
    string Problem, string Pass, int Batch, int Threads, string Algorithm,
    [property: JsonPropertyName("ours_ms")] double? OursMs, string Peer, [property: JsonPropertyName("peer_ms")] double? PeerMs, double? Error)
{
    /// <summary>What the layer is called; empty for no name.</summary>
    public string Name { get; init; } = "";

    /// <summary>How many such layers the network has.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>The geometry of a convolution; null for anything else.</summary>
    [JsonIgnore]
    public Conv2dDims? Dims { get; init; }

    /// <summary>Whether the peer is nobody to beat, but what any program of ours would reach.</summary>
    [JsonPropertyName("is_floor")]
    public bool IsFloor { get; init; }

    /// <summary>Scratch memory of ours, of all threads together, in units of 2^20 bytes; null for whole steps.</summary>
    [JsonPropertyName("workspace_mb")]
    public double? WorkspaceMb { get; init; }

    /// <summary>Peer's median by our median: above 1, ours is faster. Of memory the peer's peak by ours: above 1, ours needs less.</summary>
    public double? Ratio => PeerPeakMb / OursPeakMb ?? PeerMs / OursMs;

    /// <summary>The same of the best steps, which other work on the machine disturbs least.</summary>
    [JsonPropertyName("best_ratio")]
    public double? BestRatio => PeerPeakMb / OursPeakMb ?? PeerBestMs / OursBestMs;

    /// <summary>The most memory that was resident in our process, in units of 2^20 bytes; null where time was measured.</summary>
    [JsonPropertyName("ours_peak_mb"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? OursPeakMb { get; init; }

    [JsonPropertyName("peer_peak_mb"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PeerPeakMb { get; init; }

    [JsonPropertyName("ours_best_ms")]
    public double? OursBestMs { get; init; }

    [JsonPropertyName("peer_best_ms")]
    public double? PeerBestMs { get; init; }

    /// <summary>The peer's own error against the same reference, where there is one.</summary>
    [JsonPropertyName("peer_error")]
    public double? PeerError { get; init; }

    /// <summary>Operations of a pass (a multiplication and an addition are two); null for whole steps.</summary>
    [JsonIgnore]
    public double? Flops { get; init; }

    /// <summary>Bytes that a pass has to read and write; null where it is not memory that limits it.</summary>
    [JsonIgnore]
    public double? Bytes { get; init; }

    /// <summary>GB/s, read and written, of a plain copy that moves as many bytes with as many threads in the same run.</summary>
    [JsonPropertyName("copy_rate")]
    public double? CopyRate { get; init; }

    /// <summary>GFLOP/s that the multiply-add units reach with as many threads, the median of turns between ours, as a virtual machine's speed changes by the second; null where it is not they who limit.</summary>
    [JsonPropertyName("fma_rate")]
    public double? FmaRate { get; init; }

    /// <summary>Our rate as a share of what the machine can: of <see cref="FmaRate"/> or of <see cref="CopyRate"/>.</summary>
    [JsonPropertyName("ours_of_peak")]
    public double? OursOfPeak => OursRate / (CopyRate ?? FmaRate);

    [JsonPropertyName("peer_of_peak")]
    public double? PeerOfPeak => PeerRate / (CopyRate ?? FmaRate);

    /// <summary>What one median means: images/s for a step, GFLOP/s for a convolution, GB/s for what moves memory. MB where the peak of memory is what was measured.</summary>
    [JsonPropertyName("rate_unit")]
    public string RateUnit => OursPeakMb is not null ? "MB" : Bytes is not null ? "GB/s" : Flops is null ? "images/s" : "GFLOP/s";

    [JsonPropertyName("ours_rate")]
    public double? OursRate => OursPeakMb ?? Rate(OursMs);

    [JsonPropertyName("peer_rate")]
    public double? PeerRate => PeerPeakMb ?? Rate(PeerMs);

    private double? Rate(double? milliseconds) => (Bytes ?? Flops) is { } work ? work / milliseconds * 1e-6 : Batch / milliseconds * 1e3;
}
