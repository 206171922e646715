using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// How weights start. A weight [outs, ins, …] is read as a matrix of outs rows; the fan in is the length of a row, ins·KH·KW, the fan out
/// outs·KH·KW. Equal random states give equal weights. See <see cref="Layer.Initialize"/>.
/// </summary>
public abstract class Initializer
{
    private Initializer()
    {
    }

    /// <summary>The same number everywhere.</summary>
    public static Initializer Constant(float value) => new ConstantValue(value);

    /// <summary>Normal with mean 0.</summary>
    /// <param name="deviation">At least 0.</param>
    public static Initializer Normal(double deviation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(deviation, 0);
        return new NormalValues(_ => deviation);
    }

    /// <summary>
    /// Normal with mean 0 and deviation √(2 / ((1 + a²)·fan)), for weights before a ReLU (a = 0) or a leaky one of slope a. Source: He, Zhang, Ren, Sun,
    /// Delving Deep into Rectifiers, 2015, equations 10, 14 and 15.
    /// </summary>
    /// <param name="fanOut">Whether the fan is the fan out, which keeps the size of gradients; else the fan in, which keeps that of activations.</param>
    /// <param name="negativeSlope">a.</param>
    public static Initializer HeNormal(bool fanOut = false, double negativeSlope = 0) => new NormalValues(fan => He(fan, fanOut, negativeSlope));

    /// <summary>Uniform with the deviation of <see cref="HeNormal"/>, within ±√3 of it.</summary>
    /// <inheritdoc cref="HeNormal"/>
    public static Initializer HeUniform(bool fanOut = false, double negativeSlope = 0) => new UniformValues(fan => He(fan, fanOut, negativeSlope));

    /// <summary>
    /// Normal with mean 0 and deviation gain·√(2 / (fan in + fan out)). Source: Glorot, Bengio, Understanding the difficulty of training deep
    /// feedforward neural networks, 2010, equation 12.
    /// </summary>
    public static Initializer GlorotNormal(double gain = 1) => new NormalValues(fan => Glorot(fan, gain));

    /// <summary>Uniform within ±gain·√(6 / (fan in + fan out)). Source: Glorot, Bengio, 2010, equation 16.</summary>
    public static Initializer GlorotUniform(double gain = 1) => new UniformValues(fan => Glorot(fan, gain));

    /// <summary>
    /// gain times a matrix whose rows are orthonormal, or whose columns are if there are more rows, drawn uniformly from all of these. Source: Saxe, McClelland,
    /// Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, 2013.
    /// </summary>
    public static Initializer Orthogonal(double gain = 1) => new OrthogonalMatrix(gain);

    /// <summary>Overwrites a weight.</summary>
    /// <param name="weight">[outs, ins, …].</param>
    /// <param name="random">Where the numbers come from.</param>
    public abstract void Fill(Tensor weight, SeededRandom random);

    private static double He((long In, long Out) fan, bool fanOut, double negativeSlope) =>
        Math.Sqrt(2 / ((1 + negativeSlope * negativeSlope) * (fanOut ? fan.Out : fan.In)));

    private static double Glorot((long In, long Out) fan, double gain) => gain * Math.Sqrt(2.0 / (fan.In + fan.Out));

    // A vector has one row per element.
    private static (long In, long Out) Fan(Shape shape)
    {
        long area = shape.Rank < 3 ? 1 : shape.CountPerItem / shape[1];
        return (shape.CountPerItem, shape[0] * area);
    }

    private sealed class ConstantValue(float value) : Initializer
    {
        public override void Fill(Tensor weight, SeededRandom random)
        {
            ArgumentNullException.ThrowIfNull(weight);
            weight.Span.Fill(value);
        }
    }

    private sealed class NormalValues(Func<(long In, long Out), double> deviation) : Initializer
    {
        public override void Fill(Tensor weight, SeededRandom random)
        {
            ArgumentNullException.ThrowIfNull(weight);
            ArgumentNullException.ThrowIfNull(random);
            float factor = (float)deviation(Fan(weight.Shape));
            foreach (ref float value in weight.Span)
                value = factor * random.NextNormal();
        }
    }

    private sealed class UniformValues(Func<(long In, long Out), double> deviation) : Initializer
    {
        public override void Fill(Tensor weight, SeededRandom random)
        {
            ArgumentNullException.ThrowIfNull(weight);
            ArgumentNullException.ThrowIfNull(random);
            float bound = (float)(Math.Sqrt(3) * deviation(Fan(weight.Shape)));
            foreach (ref float value in weight.Span)
                value = random.NextFloat(-bound, bound);
        }
    }

    private sealed class OrthogonalMatrix(double gain) : Initializer
    {
        public override void Fill(Tensor weight, SeededRandom random)
        {
            ArgumentNullException.ThrowIfNull(weight);
            ArgumentNullException.ThrowIfNull(random);
            int rows = weight.Shape[0], columns = weight.Shape.CountPerItem;
            (int vectors, int length) = (Math.Min(rows, columns), Math.Max(rows, columns));
            var basis = new double[vectors][];
            for (int i = 0; i < vectors; i++)
            {
                basis[i] = [.. Enumerable.Range(0, length).Select(_ => (double)random.NextNormal())];
                // Gram and Schmidt, twice, which is enough for all digits (Giraud, Langou, Rozloznik, 2005).
                for (int pass = 0; pass < 2; pass++)
                {
                    for (int j = 0; j < i; j++)
                        Subtract(basis[i], basis[j], Dot(basis[i], basis[j]));
                }

                double scale = 1 / Math.Sqrt(Dot(basis[i], basis[i]));
                for (int k = 0; k < length; k++)
                    basis[i][k] *= scale;
            }

            for (int row = 0; row < rows; row++)
            {
                Span<float> target = weight.Item(row);
                for (int column = 0; column < columns; column++)
                    target[column] = (float)(gain * (rows <= columns ? basis[row][column] : basis[column][row]));
            }
        }

        private static double Dot(double[] a, double[] b)
        {
            double sum = 0;
            for (int i = 0; i < a.Length; i++)
                sum += a[i] * b[i];
            return sum;
        }

        private static void Subtract(double[] from, double[] what, double factor)
        {
            for (int i = 0; i < from.Length; i++)
                from[i] -= factor * what[i];
        }
    }
}
