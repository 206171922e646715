namespace HybridCnn.Operators;

/// <summary>
/// Times some algorithms against each other: warms each up, stops those that are clearly slower, and gives the others short turns, the order
/// rotating, so that a change in the machine's speed meets all of them. Knows neither convolutions nor the real clock.
/// </summary>
internal static class TuningContest
{
    /// <summary>By how much of the first candidate's time another one must be faster to be chosen: more than two measurements differ by chance.</summary>
    public const double Margin = 0.05;

    private const double ClearlySlower = 1.5;
    private const int FewestRounds = 5;
    private const int MostRounds = 25;
    private const double TurnSeconds = 0.001;
    private const double RoundsSeconds = 0.3;

    // The runtime compiles hot code again 100 ms after it has got hot; who still gains within this time is not yet warm.
    private const double QuietSeconds = 0.2;
    private const double WarmUpSeconds = 2;

    /// <summary>Runs the candidates, the rules' choice first, until it is clear which is the fastest.</summary>
    /// <param name="candidates">At least one.</param>
    /// <param name="run">Runs one of them once.</param>
    /// <param name="clock">What measures.</param>
    public static TuningResult Run(IReadOnlyList<ConvolutionAlgorithm> candidates, Action<ConvolutionAlgorithm> run, TimeProvider clock)
    {
        double[] warm = new double[candidates.Count];
        for (int i = 0; i < warm.Length; i++)
            warm[i] = WarmUp(candidates[i], run, clock);
        double limit = ClearlySlower * warm.Min();
        int[] racing = [.. Enumerable.Range(0, warm.Length).Where(i => warm[i] <= limit)];

        List<double>[] turns = [.. candidates.Select(_ => new List<double>(MostRounds))];
        long start = clock.GetTimestamp();
        for (int round = 0; round < FewestRounds || (round < MostRounds && clock.GetElapsedTime(start).TotalSeconds < RoundsSeconds); round++)
        {
            for (int turn = 0; turn < racing.Length; turn++)
            {
                int i = racing[(round + turn) % racing.Length];
                turns[i].Add(Time(candidates[i], (int)Math.Clamp(Math.Ceiling(TurnSeconds / warm[i]), 1, 1000), run, clock));
            }
        }

        TuningTime[] times = [.. candidates.Select((algorithm, i) => new TuningTime(algorithm, 1e3 * (turns[i].Count > 0 ? Median(turns[i]) : warm[i]), turns[i].Count == 0))];
        TuningTime fastest = times.MinBy(time => time.Milliseconds)!;
        return new((fastest.Milliseconds <= (1 - Margin) * times[0].Milliseconds ? fastest : times[0]).Algorithm, times);
    }

    // The best run, in seconds.
    private static double WarmUp(ConvolutionAlgorithm algorithm, Action<ConvolutionAlgorithm> run, TimeProvider clock)
    {
        double best = double.PositiveInfinity;
        long start = clock.GetTimestamp(), gained = start;
        for (int runs = 0; clock.GetElapsedTime(start).TotalSeconds < WarmUpSeconds && (runs < 2 || clock.GetElapsedTime(gained).TotalSeconds < QuietSeconds); runs++)
        {
            double seconds = Time(algorithm, 1, run, clock);
            if (seconds < (1 - Margin) * best)
                gained = clock.GetTimestamp();
            best = Math.Min(best, seconds);
        }

        return best;
    }

    private static double Time(ConvolutionAlgorithm algorithm, int repeats, Action<ConvolutionAlgorithm> run, TimeProvider clock)
    {
        long start = clock.GetTimestamp();
        for (int repeat = 0; repeat < repeats; repeat++)
            run(algorithm);
        return clock.GetElapsedTime(start).TotalSeconds / repeats;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        int middle = values.Count / 2;
        return values.Count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
