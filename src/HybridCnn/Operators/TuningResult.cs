using System.Globalization;

namespace HybridCnn.Operators;

/// <summary>How long an algorithm took.</summary>
/// <param name="Algorithm">Which.</param>
/// <param name="Milliseconds">Median of a run.</param>
/// <param name="IsStopped">Whether it was so slow that it was not measured to the end.</param>
internal sealed record TuningTime(ConvolutionAlgorithm Algorithm, double Milliseconds, bool IsStopped)
{
    public override string ToString() =>
        $"{Algorithm} {Milliseconds.ToString(Milliseconds < 10 ? "0.000" : "0.0", CultureInfo.InvariantCulture)} ms{(IsStopped ? " (stopped)" : "")}";
}

/// <summary>What tuning found for a pass.</summary>
/// <param name="Chosen">The fastest, or the rules' choice where the fastest doesn't beat it by the margin.</param>
/// <param name="Times">All that were measured, the rules' choice first.</param>
internal sealed record TuningResult(ConvolutionAlgorithm Chosen, IReadOnlyList<TuningTime> Times)
{
    /// <summary>"Taps 1.230 ms, Im2Col 1.500 ms".</summary>
    public override string ToString()
    {
        bool close = Chosen == Times[0].Algorithm && Times.Any(time => time.Milliseconds < Times[0].Milliseconds);
        return string.Join(", ", Times.OrderBy(time => time.Milliseconds))
            + (close ? $"; less than {TuningContest.Margin:P0} apart, so the rules' choice stays" : "");
    }
}
