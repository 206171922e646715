using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

/// <summary>
/// Compares gradients of sum(y * dy) with central differences. Most layers are linear between the kinks of maxima and
/// ReLU, so the two one-sided differences agree unless a kink lies between them; such an element says nothing and is left
/// out, but only a few may be. Where a layer is curved, they differ by more.
/// </summary>
/// <param name="layer">What to check.</param>
/// <param name="context">What to run it with.</param>
/// <param name="rounding">The layer's largest error, of the largest y.</param>
/// <param name="isCurved">Whether the layer's slope changes steadily.</param>
internal sealed class FiniteDifferences(BoundLayer layer, ComputeContext context, double rounding, bool isCurved)
{
    private const int MostElements = 200;
    private const double MostCurvature = 2;

    /// <param name="name">For messages.</param>
    /// <param name="variable">What to vary.</param>
    /// <param name="gradient">The gradient to check.</param>
    /// <param name="step">Short enough to cross few kinks, long enough to be seen through the rounding.</param>
    public void Run(string name, Tensor variable, float[] gradient, float step)
    {
        double center = Objective();
        int stride = Math.Max(1, gradient.Length / MostElements), looked = 0, kinks = 0;
        // Rounding of the objective, over the step: what the difference quotient cannot see.
        double tolerance = rounding * Magnitude() / step + 1e-4;
        for (int i = 0; i < gradient.Length; i += stride)
        {
            float value = variable.Span[i];
            variable.Span[i] = value + step;
            double up = (Objective() - center) / (variable.Span[i] - value);
            variable.Span[i] = value - step;
            double down = (center - Objective()) / (value - variable.Span[i]);
            variable.Span[i] = value;
            looked++;
            if (Math.Abs(up - down) > 2 * tolerance + (isCurved ? MostCurvature * step : 0))
            {
                kinks++;
                continue;
            }

            double numeric = (up + down) / 2;
            Assert.True(Math.Abs(numeric - gradient[i]) <= tolerance, $"{name}[{i}] is {gradient[i]}, finite differences give {numeric} ± {tolerance:e1}");
        }

        Assert.True(kinks * 5 <= looked, $"{name}: {kinks} of {looked} elements lie at a kink");
    }

    private double Objective()
    {
        layer.Forward(context);
        double sum = 0;
        for (int i = 0; i < layer.Y.Span.Length; i++)
            sum += (double)layer.Y.Span[i] * layer.Dy.Span[i];
        return sum;
    }

    private double Magnitude()
    {
        double largest = 0;
        foreach (float y in layer.Y.Span)
            largest = Math.Max(largest, Math.Abs(y));
        return largest;
    }
}
