using HybridCnn.Operators;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

public class TuningContestTests
{
    private readonly ScriptedClock _clock = new();

    [Fact]
    public void Chooses_the_fastest()
    {
        TuningResult result = Run((ConvolutionAlgorithm.Im2Col, 3e-3), (ConvolutionAlgorithm.Taps, 2.5e-3), (ConvolutionAlgorithm.WinogradF2, 2.2e-3));
        Assert.Equal(ConvolutionAlgorithm.WinogradF2, result.Chosen);
        Assert.Equal("WinogradF2 2.200 ms, Taps 2.500 ms, Im2Col 3.000 ms", result.ToString());
    }

    [Theory]
    [InlineData(0.96, ConvolutionAlgorithm.Im2Col, "Taps 0.960 ms, Im2Col 1.000 ms; less than 5 % apart, so the rules' choice stays")]
    [InlineData(0.94, ConvolutionAlgorithm.Taps, "Taps 0.940 ms, Im2Col 1.000 ms")]
    [InlineData(1.00, ConvolutionAlgorithm.Im2Col, "Im2Col 1.000 ms, Taps 1.000 ms")]
    public void The_rules_choice_must_be_beaten_by_the_margin(double milliseconds, ConvolutionAlgorithm expected, string text)
    {
        TuningResult result = Run((ConvolutionAlgorithm.Im2Col, 1e-3), (ConvolutionAlgorithm.Taps, milliseconds * 1e-3));
        Assert.Equal((expected, text), (result.Chosen, result.ToString()));
    }

    [Fact]
    public void Stops_what_is_clearly_slower_even_the_rules_choice()
    {
        var runs = new Dictionary<ConvolutionAlgorithm, int>();
        TuningResult result = Run(runs, _ => { }, (ConvolutionAlgorithm.Im2Col, 40e-3), (ConvolutionAlgorithm.Taps, 20e-3), (ConvolutionAlgorithm.Direct, 24e-3));
        Assert.Equal(ConvolutionAlgorithm.Taps, result.Chosen);
        Assert.Equal("Taps 20.0 ms, Direct 24.0 ms, Im2Col 40.0 ms (stopped)", result.ToString());
        Assert.True(runs[ConvolutionAlgorithm.Im2Col] < runs[ConvolutionAlgorithm.Taps]);
    }

    [Fact]
    public void Runs_what_takes_very_long_once_to_warm_up_and_never_again()
    {
        var runs = new Dictionary<ConvolutionAlgorithm, int>();
        Run(runs, _ => { }, (ConvolutionAlgorithm.Taps, 1e-3), (ConvolutionAlgorithm.Direct, 10));
        Assert.Equal(1, runs[ConvolutionAlgorithm.Direct]);
        // The other one's turns: 0.3 s; its warm-up: 0.2 s.
        Assert.InRange(_clock.Seconds, 10, 10.6);
    }

    [Fact]
    public void Waits_until_the_runtime_has_compiled_an_algorithm()
    {
        int runs = 0;
        TuningResult result = Run([], algorithm => _clock.Advance(algorithm == ConvolutionAlgorithm.Taps && runs++ < 15 ? 10e-3 : 0), (ConvolutionAlgorithm.Im2Col, 1.2e-3), (ConvolutionAlgorithm.Taps, 1e-3));
        Assert.Equal("Taps 1.000 ms, Im2Col 1.200 ms", result.ToString());
    }

    [Fact]
    public void A_disturbed_turn_changes_nothing()
    {
        int runs = 0;
        TuningResult result = Run([], algorithm => _clock.Advance(algorithm == ConvolutionAlgorithm.Taps && ++runs % 7 == 0 ? 50e-3 : 0), (ConvolutionAlgorithm.Im2Col, 12e-3), (ConvolutionAlgorithm.Taps, 10e-3));
        Assert.Equal(ConvolutionAlgorithm.Taps, result.Chosen);
    }

    private TuningResult Run(params (ConvolutionAlgorithm Algorithm, double Seconds)[] candidates) => Run([], _ => { }, candidates);

    private TuningResult Run(Dictionary<ConvolutionAlgorithm, int> runs, Action<ConvolutionAlgorithm> before, params (ConvolutionAlgorithm Algorithm, double Seconds)[] candidates) =>
        TuningContest.Run(
            [.. candidates.Select(candidate => candidate.Algorithm)],
            algorithm =>
            {
                runs[algorithm] = runs.GetValueOrDefault(algorithm) + 1;
                before(algorithm);
                _clock.Advance(candidates.Single(candidate => candidate.Algorithm == algorithm).Seconds);
            },
            _clock);
}
