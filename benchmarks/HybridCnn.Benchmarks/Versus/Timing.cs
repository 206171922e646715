namespace HybridCnn.Benchmarks.Versus;

/// <summary>What was measured of one contestant's steps, in milliseconds.</summary>
internal readonly record struct Timing(double Median, double Best, int Steps)
{
    public static Timing Of(List<double> milliseconds)
    {
        milliseconds.Sort();
        int middle = milliseconds.Count / 2;
        double median = milliseconds.Count % 2 == 1
            ? milliseconds[middle]
            : (milliseconds[middle - 1] + milliseconds[middle]) / 2;
        return new(median, milliseconds[0], milliseconds.Count);
    }
}
