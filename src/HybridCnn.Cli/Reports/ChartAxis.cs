namespace HybridCnn.Cli.Reports;

/// <summary>The vertical axis of a chart: where a value lies between bottom and top, and where the ticks are.</summary>
internal sealed class ChartAxis
{
    private const int MostTicks = 8;

    // Of a loss, times the median: beyond that is no loss of a training that learns, whose first is the logarithm of its classes.
    private const double MostOverUsual = 1000;

    private readonly double _low, _high;
    private readonly bool _logarithmic, _percent;
    private readonly string _format;

    private ChartAxis(double low, double high, bool logarithmic, bool percent, IReadOnlyList<double> ticks, string format = "0.0000")
    {
        (_low, _high, _logarithmic, _percent, _format) = (low, high, logarithmic, percent, format);
        Ticks = ticks;
    }

    public IReadOnlyList<double> Ticks { get; }

    /// <summary>
    /// A loss falls over orders of magnitude, so the axis is logarithmic; ticks at 1, 2 and 5 times powers of ten. The last values of a training that diverges may lie
    /// above: they would press all others into a line.
    /// </summary>
    public static ChartAxis Loss(IEnumerable<double> values)
    {
        double[] positive = [.. values.Where(v => v > 0 && double.IsFinite(v)).DefaultIfEmpty(1).Order()];
        double most = Math.Min(positive[^1], MostOverUsual * positive[positive.Length / 2]);
        double[] candidates = [.. Enumerable.Range(-9, 19).SelectMany(e => new[] { 1.0, 2, 5 }.Select(m => m * Math.Pow(10, e)))];
        double low = candidates.LastOrDefault(c => c <= positive[0], candidates[0]);
        double high = candidates.FirstOrDefault(c => c >= most && c > low, candidates[^1]);
        double[] ticks = [.. candidates.Where(c => c >= low && c <= high)];
        if (ticks.Length > MostTicks)
            ticks = [.. ticks.Where(t => Math.Abs(Math.Log10(t) - Math.Round(Math.Log10(t))) < 1e-9)];
        return new(low, high, logarithmic: true, percent: false, ticks);
    }

    /// <summary>Accuracy from a round value below nearly all <paramref name="values"/> up to 100 %; the first steps may lie below.</summary>
    public static ChartAxis Accuracy(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Where(double.IsFinite).DefaultIfEmpty(0).Order()];
        double step = NiceStep(1.0 - Math.Min(sorted[sorted.Length / 20], 0.99), 5, whole: false);
        double low = Math.Max(0, Math.Floor(sorted[sorted.Length / 20] / step) * step);
        return new(low, 1, logarithmic: false, percent: true, [.. Enumerable.Range(0, 40).Select(i => low + i * step).Where(t => t < 1 + 1e-9)]);
    }

    /// <summary>From 0 to a round value above all <paramref name="values"/>: what has a natural zero, such as a speed.</summary>
    /// <param name="values">Not negative.</param>
    /// <param name="format">Of a value in a tooltip.</param>
    /// <param name="percent">Whether the values are shares, 0 to 1, shown as percentages.</param>
    public static ChartAxis FromZero(IEnumerable<double> values, string format = "#,0", bool percent = false)
    {
        double most = values.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        // Shares of next to nothing are not blown up to the height of the chart.
        if (percent)
            most = Math.Max(most, 0.05);
        else if (most == 0)
            most = 1;
        double step = NiceStep(most, 5, whole: false);
        int steps = (int)Math.Ceiling(most / step - 1e-9);
        return new(0, steps * step, logarithmic: false, percent, [.. Enumerable.Range(0, steps + 1).Select(i => i * step)], format);
    }

    /// <summary>0 at the bottom, 1 at the top; values beyond an end lie on that end.</summary>
    public double Position(double value) => _logarithmic
        ? Math.Clamp(Math.Log(Math.Max(value, double.Epsilon) / _low) / Math.Log(_high / _low), 0, 1)
        : Math.Clamp((value - _low) / (_high - _low), 0, 1);

    public string Label(double tick) => _percent ? $"{tick * 100:0.##} %" : $"{tick:#,0.#########}";

    public string Value(double value) => _percent ? $"{value * 100:0.00} %" : value.ToString(_format);

    /// <summary>1, 2 or 5 times a power of ten, so that the range has at most so many steps.</summary>
    public static double NiceStep(double range, int most, bool whole)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(range / most)));
        double step = new[] { 1.0, 2, 5, 10 }.First(m => range / (m * power) <= most) * power;
        return whole ? Math.Max(1, step) : step;
    }
}
