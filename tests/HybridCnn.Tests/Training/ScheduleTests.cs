using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>Schedules against PyTorch's own recurrences, which go from each rate to the next.</summary>
public class ScheduleTests
{
    [Fact]
    public void Step() => Check(new StepSchedule(0.5, 3, 0.2), 20, Recur(0.5, (rate, t) => t % 3 == 0 ? rate * 0.2 : rate));

    [Fact]
    public void Constant() => Check(new ConstantSchedule(0.3), 5, Recur(0.3, (rate, _) => rate));

    [Fact]
    public void Multi_step() => Check(
        new MultiStepSchedule(2, [2, 5, 5, 9], 0.5), 15, Recur(2, (rate, t) => rate * Math.Pow(0.5, new[] { 2, 5, 5, 9 }.Count(m => m == t))));

    // CosineAnnealingLR.get_lr.
    [Theory]
    [InlineData(17, 0)]
    [InlineData(10, 0.01)]
    public void Cosine(int length, double minimum)
    {
        var schedule = new CosineSchedule(0.4, length, minimum);
        Check(schedule, length, Recur(0.4, (rate, t) => (1 + Math.Cos(Math.PI * t / length)) / (1 + Math.Cos(Math.PI * (t - 1) / length)) * (rate - minimum) + minimum));
        Assert.Equal(minimum, schedule.At(length), 1e-12);
        Assert.Equal(minimum, schedule.At(length + 7), 1e-12);
    }

    // PolynomialLR.get_lr.
    [Theory]
    [InlineData(1)]
    [InlineData(0.9)]
    [InlineData(2)]
    public void Polynomial(double power)
    {
        var schedule = new PolynomialSchedule(0.4, 12, power);
        Check(schedule, 12, Recur(0.4, (rate, t) => rate * Math.Pow((1.0 - t / 12.0) / (1.0 - (t - 1) / 12.0), power)));
        Assert.Equal((0, 0), (schedule.At(12), schedule.At(99)));
    }

    // Values that torch.optim.lr_scheduler.OneCycleLR's rule gives by hand: 10 steps, the peak after 0.3·10 - 1 = 2.
    [Fact]
    public void One_cycle()
    {
        var schedule = new OneCycleSchedule(1, 10);
        double first = 1.0 / 25, last = first / 1e4;
        Assert.Equal(first, schedule.At(0), 1e-14);
        Assert.Equal((first + 1) / 2, schedule.At(1), 1e-14);
        Assert.Equal(1, schedule.At(2), 1e-14);
        for (int t = 3; t < 10; t++)
            Assert.Equal(last + (1 - last) * (1 + Math.Cos(Math.PI * (t - 2) / 7)) / 2, schedule.At(t), 1e-14);
        Assert.Equal(last, schedule.At(9), 1e-14);
        Assert.Equal(last, schedule.At(50), 1e-14);

        var linear = new OneCycleSchedule(1, 10, rising: 0.5, divisor: 10, finalDivisor: 10, linear: true);
        double[] expected = [0.1, 0.325, 0.55, 0.775, 1, 0.802, 0.604, 0.406, 0.208, 0.01];
        for (int t = 0; t < 10; t++)
            Assert.Equal(expected[t], linear.At(t), 1e-14);
        Assert.All(Enumerable.Range(2, 30), length => Assert.All(Enumerable.Range(0, length), t => Assert.InRange(new OneCycleSchedule(1, length, 1.0 / length).At(t), 0, 1)));
    }

    // SequentialLR([LinearLR(start, total_iters=4), CosineAnnealingLR(10)], milestones=[4]).
    [Fact]
    public void Warm_up()
    {
        var schedule = new WarmUpSchedule(new CosineSchedule(2, 10), 4, start: 0.1);
        double factor = 0.1;
        for (int t = 0; t < 4; t++)
        {
            Assert.Equal(2 * factor, schedule.At(t), 1e-14);
            factor += 0.9 / 4;
        }

        for (int t = 4; t < 20; t++)
            Assert.Equal(new CosineSchedule(2, 10).At(t - 4), schedule.At(t));
        Assert.True(new WarmUpSchedule(new StepSchedule(1, 2) { ByEpoch = true }, 3).ByEpoch);
    }

    // torch.optim.lr_scheduler.ReduceLROnPlateau by hand: patience 1 means that the second bad epoch lowers.
    [Fact]
    public void Plateau()
    {
        var schedule = new PlateauSchedule(1, factor: 0.5, patience: 1, threshold: 0.1, cooldown: 2, minimum: 0.2);
        (double Measure, double Rate)[] story =
        [
            (10, 1), (9.5, 1), (8.9, 1), (8.8, 1), (8.7, 0.5), // 8.9 is better than 9; 8.8 and 8.7 are no better than 8.01
            (8.6, 0.5), (8.5, 0.5), (8.4, 0.5), (8.3, 0.25), // two epochs of cooling, then two bad ones
            (1, 0.25), (1, 0.25), (1, 0.25), (1, 0.2), (double.NaN, 0.2), (1, 0.2),
        ];
        foreach ((double measure, double rate) in story)
        {
            schedule.Observe(measure);
            Assert.Equal(rate, schedule.At(0));
        }

        var accuracy = new PlateauSchedule(1, 0.1, patience: 0, threshold: 0, higherIsBetter: true);
        foreach ((double measure, double rate) in (ReadOnlySpan<(double, double)>)[(0.5, 1), (0.6, 1), (0.6, 0.1), (0.7, 0.1), (0.1, 0.01)])
        {
            accuracy.Observe(measure);
            Assert.Equal(rate, accuracy.At(3), 1e-15);
        }
    }

    [Fact]
    public void A_plateau_restored_goes_on_as_if_it_had_not_stopped()
    {
        double[] measures = [3, 2, 2, 2, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5];
        for (int stop = 0; stop < measures.Length; stop++)
        {
            var whole = new PlateauSchedule(1, 0.5, patience: 1, cooldown: 1);
            PlateauSchedule parts = new(1, 0.5, patience: 1, cooldown: 1), next = new(1, 0.5, patience: 1, cooldown: 1);
            for (int i = 0; i < measures.Length; i++)
            {
                if (i == stop)
                {
                    foreach ((NamedNumber from, NamedNumber to) in parts.State.Numbers.Zip(next.State.Numbers))
                        to.Value = from.Value;
                    parts = next;
                }

                whole.Observe(measures[i]);
                parts.Observe(measures[i]);
                Assert.Equal(whole.At(0), parts.At(0));
            }
        }
    }

    [Fact]
    public void Refuses_numbers_without_meaning()
    {
        Refused("learningRate", () => _ = new ConstantSchedule(-1));
        Refused("learningRate", () => _ = new CosineSchedule(double.NaN, 3));
        Refused("minimum", () => _ = new CosineSchedule(1, 3, -1));
        Refused("length", () => _ = new CosineSchedule(1, 0));
        Refused("length", () => _ = new StepSchedule(1, 0));
        Refused("gamma", () => _ = new StepSchedule(1, 1, double.PositiveInfinity));
        Refused("power", () => _ = new PolynomialSchedule(1, 2, -1));
        Refused("milestones", () => _ = new MultiStepSchedule(1, [3, 2]));
        Refused("milestones", () => _ = new MultiStepSchedule(1, [-1]));
        Refused("rising", () => _ = new OneCycleSchedule(1, 3, rising: 1));
        Refused("divisor", () => _ = new OneCycleSchedule(1, 3, divisor: 0));
        Refused("finalDivisor", () => _ = new OneCycleSchedule(1, 3, finalDivisor: -2));
        Refused("start", () => _ = new WarmUpSchedule(new ConstantSchedule(1), 1, start: 2));
        Refused("factor", () => _ = new PlateauSchedule(1, factor: 1));
        Refused("patience", () => _ = new PlateauSchedule(1, patience: -1));
        Refused("time", () => new ConstantSchedule(1).At(-1));
    }

    // rate(0), then rate(t) from rate(t - 1).
    private static IEnumerable<double> Recur(double rate, Func<double, int, double> next)
    {
        for (int t = 1; ; t++)
        {
            yield return rate;
            rate = next(rate, t);
        }
    }

    private static void Check(Schedule schedule, int count, IEnumerable<double> expected)
    {
        int t = 0;
        foreach (double rate in expected.Take(count))
            Assert.Equal(rate, schedule.At(t++), 1e-12);
    }

    private static void Refused(string argument, Action call) => Assert.Equal(argument, Assert.ThrowsAny<ArgumentException>(call).ParamName);
}
