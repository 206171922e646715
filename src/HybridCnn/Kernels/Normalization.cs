namespace HybridCnn.Kernels;

/// <summary>
/// The numbers per channel of batch normalization. With μ and σ² the mean and the (biased) variance over the m elements of a channel:
/// y = (x − μ)·γ/√(σ² + ε) + β, and backward, with x̂ = (x − μ)/√(σ² + ε): dβ = Σ dy, dγ = Σ dy·x̂,
/// dx = γ/√(σ² + ε)·(dy − dβ/m − x̂·dγ/m); with fixed μ and σ² (not training) dx = γ/√(σ² + ε)·dy.
/// Source: Ioffe, Szegedy, Batch Normalization, 2015. The variance is taken around an element of the channel instead of 0, since
/// E[x²] − E[x]² has no correct digit where the mean is large (Chan, Golub, LeVeque, 1983).
/// </summary>
internal static class Normalization
{
    /// <summary>Mean and biased variance from Σ (x − shift) and Σ (x − shift)² over so many elements.</summary>
    public static (double Mean, double Variance) FromMoments(double first, double second, float shift, long count)
    {
        double mean = first / count;
        return (shift + mean, Math.Max(0, second / count - mean * mean));
    }

    /// <summary>1 / √(σ² + ε).</summary>
    public static float InverseDeviation(double variance, double epsilon) => (float)(1 / Math.Sqrt(variance + epsilon));

    /// <summary>Copies γ or β, or fills with the number that stands for all of them where there are none.</summary>
    public static void Keep(ReadOnlySpan<float> values, float otherwise, Span<float> kept)
    {
        if (values.IsEmpty)
            kept.Fill(otherwise);
        else
            values.CopyTo(kept);
    }

    /// <summary>(1 − momentum)·running + momentum·observed.</summary>
    public static float Update(float running, double observed, double momentum) => (float)((1 - momentum) * running + momentum * observed);

    /// <summary>a, b, c of dx = dy·a + (x − μ)·b + c, from Σ dy and Σ dy·(x − μ).</summary>
    public static (float A, float B, float C) GradientFactors(float gamma, float inverseDeviation, double sumDy, double sumDyX, long count)
    {
        double a = (double)gamma * inverseDeviation;
        return ((float)a, (float)(-a * inverseDeviation * inverseDeviation * sumDyX / count), (float)(-a * sumDy / count));
    }
}
