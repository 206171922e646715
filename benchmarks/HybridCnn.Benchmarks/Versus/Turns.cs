using System.Diagnostics;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Somebody whose step is timed.</summary>
internal sealed record Contestant(string Name, Action Step)
{
    /// <summary>Whether the step's time is spent in code that no runtime compiles again.</summary>
    public bool IsNative { get; init; }
}

/// <summary>How a contest is run.</summary>
/// <param name="Rounds">How often everybody gets a turn.</param>
/// <param name="TurnMilliseconds">How long the timed part of a turn lasts; at least <see cref="Turns.LeastSteps"/> steps are made.</param>
/// <param name="WarmMilliseconds">
/// How long each turn runs uncounted first. The other side's threads go on spinning for some milliseconds after its last
/// step (OpenMP's wait policy), and its data fills the caches: neither is to be charged to whoever comes next.
/// </param>
internal sealed record TurnPlan(int Rounds, double TurnMilliseconds, double WarmMilliseconds)
{
    public const int UsualSteadyBlocks = 3;

    /// <summary>How many blocks without gain say, before the first turn, that the runtime has compiled all there is.</summary>
    public int SteadyBlocks { get; init; } = UsualSteadyBlocks;

    public override string ToString() =>
        $"medians over all steps of {Rounds} interleaved turns of {TurnMilliseconds} ms, each warmed for {WarmMilliseconds} ms, the order rotating";
}

/// <summary>
/// Times contestants in one process, in turns: A B C, B C A, C A B, and so on, so that a change in the machine's speed
/// meets everybody and nobody always follows the same predecessor.
/// </summary>
internal static class Turns
{
    public const int LeastSteps = 3;

    private const double WarmBlockMilliseconds = 100;
    private const int CompilerPauseMilliseconds = 120;
    private const int MostWarmBlocks = 25;

    /// <summary>One timing per contestant, in their order.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; checked after every step.</exception>
    public static Timing[] Run(IReadOnlyList<Contestant> contestants, TurnPlan plan, CancellationToken cancel)
    {
        foreach (Contestant contestant in contestants)
        {
            if (contestant.IsNative)
                RunFor(contestant.Step, WarmBlockMilliseconds, null, cancel);
            else
                RunUntilSteady(contestant.Step, plan.SteadyBlocks, cancel);
        }

        List<double>[] times = [.. contestants.Select(_ => new List<double>(capacity: 1 << 14))];
        for (int round = 0; round < plan.Rounds; round++)
        {
            for (int turn = 0; turn < contestants.Count; turn++)
            {
                int who = (round + turn) % contestants.Count;
                RunFor(contestants[who].Step, plan.WarmMilliseconds, null, cancel);
                RunFor(contestants[who].Step, plan.TurnMilliseconds, times[who], cancel);
            }
        }

        return [.. times.Select(Timing.Of)];
    }

    /// <summary>
    /// The runtime compiles hot methods again, twice, in the background, once nothing new has been called for a while. So a step
    /// is run until some blocks in a row bring no further gain, with pauses that leave the processors to the compiler.
    /// </summary>
    public static void RunUntilSteady(Action step, int steadyBlocks, CancellationToken cancel)
    {
        double best = double.PositiveInfinity;
        for (int block = 0, steady = 0; block < MostWarmBlocks && steady < steadyBlocks; block++)
        {
            var times = new List<double>();
            RunFor(step, WarmBlockMilliseconds, times, cancel);
            Thread.Sleep(CompilerPauseMilliseconds);
            double median = Timing.Of(times).Median;
            steady = median < 0.97 * best ? 0 : steady + 1;
            best = Math.Min(best, median);
        }
    }

    private static void RunFor(Action step, double milliseconds, List<double>? times, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        for (int steps = 0; steps < (times is null ? 1 : LeastSteps) || Stopwatch.GetElapsedTime(start).TotalMilliseconds < milliseconds; steps++)
        {
            cancel.ThrowIfCancellationRequested();
            long before = Stopwatch.GetTimestamp();
            step();
            times?.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
        }
    }
}
