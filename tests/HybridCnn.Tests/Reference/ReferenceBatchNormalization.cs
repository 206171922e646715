namespace HybridCnn.Tests.Reference;

/// <summary>Batch normalization by its definition, in double, for x [items, channels, plane]; two passes for the variance.</summary>
internal sealed class ReferenceBatchNormalization
{
    /// <summary>Mean and biased variance, from x or as given.</summary>
    public double[] Mean = [], Variance = [];

    public double[] Y = [], Dx = [], DGamma = [], DBeta = [];

    // Where y is this near to 0 or the ceiling, float32 and double may fall on different sides of it, and both are right.
    private const double Kink = 1e-5;

    /// <param name="computed">The y of the float32 pass, at the places of x: at the kinks of the ReLU it says which side they fell on.</param>
    public static ReferenceBatchNormalization Run(
        float[] x, float[] dy, float[] gamma, float[] beta, int channels, int plane, double epsilon, float? relu,
        Func<int, float> computed, (float[] Mean, float[] Variance)? given = null)
    {
        var r = new ReferenceBatchNormalization
        {
            Mean = new double[channels], Variance = new double[channels],
            Y = new double[x.Length], Dx = new double[x.Length], DGamma = new double[channels], DBeta = new double[channels],
        };
        for (int c = 0; c < channels; c++)
        {
            int[] own = [.. Enumerable.Range(0, x.Length).Where(i => i / plane % channels == c)];
            double mean = given is { } g ? g.Mean[c] : own.Average(i => (double)x[i]);
            double variance = given is { } h ? h.Variance[c] : own.Average(i => (x[i] - mean) * (x[i] - mean));
            double inverse = 1 / Math.Sqrt(variance + epsilon);
            (r.Mean[c], r.Variance[c]) = (mean, variance);
            double Hat(int i) => (x[i] - mean) * inverse;
            foreach (int i in own)
                r.Y[i] = Hat(i) * gamma[c] + beta[c];
            double Side(int i) => Math.Abs(r.Y[i]) < Kink || Math.Abs(r.Y[i] - (relu ?? 0)) < Kink ? computed(i) : r.Y[i];
            double Upstream(int i) => relu is { } ceiling && (Side(i) <= 0 || Side(i) >= ceiling) ? 0 : dy[i];
            r.DBeta[c] = own.Sum(Upstream);
            r.DGamma[c] = own.Sum(i => Upstream(i) * Hat(i));
            foreach (int i in own)
            {
                double back = given is null ? (r.DBeta[c] + Hat(i) * r.DGamma[c]) / own.Length : 0;
                r.Dx[i] = gamma[c] * inverse * (Upstream(i) - back);
            }

            foreach (int i in own)
                r.Y[i] = relu is { } top ? Math.Min(Math.Max(0, r.Y[i]), top) : r.Y[i];
        }

        return r;
    }
}
