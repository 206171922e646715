using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>Random shares of a whole, Beta(alpha, alpha), from two Gamma numbers (Marsaglia and Tsang, A Simple Method for Generating Gamma Variables, 2000).</summary>
internal static class BetaDistribution
{
    public static float Draw(float alpha, SeededRandom random)
    {
        double a = Gamma(alpha, random), b = Gamma(alpha, random);
        // Both underflow for an alpha near 0, where the distribution is a coin.
        return a + b > 0 ? (float)(a / (a + b)) : random.NextInt(2);
    }

    private static double Gamma(double alpha, SeededRandom random)
    {
        if (alpha < 1)
            return Gamma(alpha + 1, random) * Math.Pow(1.0 - random.NextFloat(), 1 / alpha);
        double d = alpha - 1.0 / 3, c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double normal = random.NextNormal(), root = 1 + c * normal;
            if (root <= 0)
                continue;
            double v = root * root * root;
            if (Math.Log(1.0 - random.NextFloat()) < 0.5 * normal * normal + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }
}
