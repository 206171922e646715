namespace HybridCnn.Tests.Reference;

/// <summary>
/// Optimizers in double, one parameter, written from the papers' formulas: sums over all gradients so far where the library keeps
/// running means.
/// </summary>
internal static class ReferenceOptimizers
{
    /// <summary>The values after every step.</summary>
    /// <param name="p">The values before the first one.</param>
    /// <param name="gradients">A row per step.</param>
    /// <param name="momentum">μ.</param>
    /// <param name="nesterov">Whether the step looks ahead.</param>
    /// <param name="decay">λ.</param>
    /// <param name="decoupled">Whether λ shrinks p by itself.</param>
    /// <param name="rates">The learning rate of each step.</param>
    public static double[][] Sgd(double[] p, float[][] gradients, double momentum, bool nesterov, double decay, bool decoupled, double[] rates)
    {
        var v = new double[p.Length];
        return Steps(p, gradients, (t, i, value, g) =>
        {
            double d = decoupled ? g : g + decay * value, shrunk = decoupled ? value - rates[t] * decay * value : value;
            v[i] = momentum * v[i] + d;
            return shrunk - rates[t] * (nesterov ? d + momentum * v[i] : v[i]);
        });
    }

    /// <summary>Adam: Kingma and Ba, 2015, algorithm 1; AMSGrad by Reddi et al., 2018, with corrected means; AdamW by Loshchilov and Hutter, 2019.</summary>
    public static double[][] Adam(double[] p, float[][] gradients, double beta1, double beta2, double epsilon, double decay, bool decoupled, bool amsgrad, double[] rates)
    {
        var ds = new List<double>[p.Length];
        var largest = new double[p.Length];
        return Steps(p, gradients, (t, i, value, g) =>
        {
            (ds[i] ??= []).Add(decoupled ? g : g + decay * value);
            double m = 0, v = 0;
            for (int k = 0; k <= t; k++)
            {
                m += (1 - beta1) * Math.Pow(beta1, t - k) * ds[i][k];
                v += (1 - beta2) * Math.Pow(beta2, t - k) * ds[i][k] * ds[i][k];
            }

            largest[i] = Math.Max(largest[i], v);
            double corrected = (amsgrad ? largest[i] : v) / (1 - Math.Pow(beta2, t + 1));
            double shrunk = decoupled ? value - rates[t] * decay * value : value;
            return shrunk - rates[t] * (m / (1 - Math.Pow(beta1, t + 1))) / (Math.Sqrt(corrected) + epsilon);
        });
    }

    /// <summary>RMSprop: Tieleman and Hinton, 2012; centered by Graves, 2013, equations 38 to 40, with ε outside of the root.</summary>
    public static double[][] Rmsprop(double[] p, float[][] gradients, double alpha, double epsilon, double decay, double momentum, bool centered, double[] rates)
    {
        var ds = new List<double>[p.Length];
        var velocity = new double[p.Length];
        return Steps(p, gradients, (t, i, value, g) =>
        {
            (ds[i] ??= []).Add(g + decay * value);
            double n = 0, mean = 0;
            for (int k = 0; k <= t; k++)
            {
                n += (1 - alpha) * Math.Pow(alpha, t - k) * ds[i][k] * ds[i][k];
                mean += (1 - alpha) * Math.Pow(alpha, t - k) * ds[i][k];
            }

            velocity[i] = momentum * velocity[i] + ds[i][t] / (Math.Sqrt(n - (centered ? mean * mean : 0)) + epsilon);
            return value - rates[t] * velocity[i];
        });
    }

    /// <summary>LARS: You, Gitman and Ginsburg, 2017, algorithm 1, one layer.</summary>
    public static double[][] Lars(double[] p, float[][] gradients, double trust, double decay, double momentum, bool adaptive, double[] rates)
    {
        var v = new double[p.Length];
        var all = new List<double[]>();
        double[] value = p;
        for (int t = 0; t < gradients.Length; t++)
        {
            double size = Math.Sqrt(value.Sum(x => x * x)), slope = Math.Sqrt(gradients[t].Sum(x => (double)x * x));
            double local = adaptive ? trust * size / (slope + decay * size) : 1;
            var next = new double[p.Length];
            for (int i = 0; i < p.Length; i++)
            {
                v[i] = momentum * v[i] + rates[t] * local * (gradients[t][i] + decay * value[i]);
                next[i] = value[i] - v[i];
            }

            all.Add(value = next);
        }

        return [.. all];
    }

    private static double[][] Steps(double[] p, float[][] gradients, Func<int, int, double, double, double> next)
    {
        var all = new double[gradients.Length][];
        double[] value = p;
        for (int t = 0; t < gradients.Length; t++)
            all[t] = value = [.. value.Select((x, i) => next(t, i, x, gradients[t][i]))];
        return all;
    }
}
