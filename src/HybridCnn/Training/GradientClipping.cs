using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Keeps gradients from growing too large: single elements, or all of them together by the norm (Pascanu, Mikolov and Bengio, On the
/// difficulty of training recurrent neural networks, 2013). Same bits for any number of threads.
/// </summary>
public sealed class GradientClipping
{
    // PyTorch's: keeps the divisor from 0.
    private const double Epsilon = 1e-6;

    private readonly Parameter[] _parameters;
    private readonly TensorBlocks _blocks;
    private readonly double[] _sums;
    private float _factor;

    /// <summary>Prepares clipping the gradients of <paramref name="parameters"/>. At least one limit must be given; elements are clipped first.</summary>
    /// <param name="parameters">Whose gradients to clip.</param>
    /// <param name="norm">The largest norm of all gradients as one vector; a larger one makes all smaller by the same factor.</param>
    /// <param name="value">The largest absolute value of an element.</param>
    /// <exception cref="ArgumentException">No limit, or one that isn't finite and above 0.</exception>
    public GradientClipping(IReadOnlyList<Parameter> parameters, float? norm = null, float? value = null)
    {
        _parameters = Optimizer.Checked(parameters);
        RequireLimit(norm, nameof(norm));
        RequireLimit(value, nameof(value));
        if (norm is null && value is null)
            throw new ArgumentException("Clipping needs a limit; got neither a norm nor a value.", nameof(norm));
        (Norm, Value) = (norm, value);
        _blocks = new TensorBlocks(_parameters.Select(parameter => parameter.Shape.Count));
        _sums = new double[_blocks.Blocks.Length];
    }

    /// <summary>The largest norm of all gradients as one vector; null for none.</summary>
    public float? Norm { get; }

    /// <summary>The largest absolute value of an element; null for none.</summary>
    public float? Value { get; }

    /// <summary>Clips the gradients in place. Allocates nothing.</summary>
    /// <returns>
    /// The norm before it was clipped; NaN without a limit of the norm. A norm that isn't finite is returned, and the gradients are then
    /// left unscaled.
    /// </returns>
    public double Clip(ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _blocks.For(context, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                Span<float> gradient = self.GradientOf(i);
                if (self.Value is { } limit)
                    GradientLimits.Clamp(limit, gradient);
                if (self.Norm is not null)
                    self._sums[i] = GradientLimits.SumOfSquares(gradient);
            }
        });
        if (Norm is not { } largest)
            return double.NaN;

        double sum = 0;
        foreach (double part in _sums)
            sum += part;
        double norm = Math.Sqrt(sum), factor = largest / (norm + Epsilon);
        if (!double.IsFinite(norm) || factor >= 1)
            return norm;
        _factor = (float)factor;
        _blocks.For(context, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
                GradientLimits.Scale(self._factor, self.GradientOf(i));
        });
        return norm;
    }

    private Span<float> GradientOf(int block) => _blocks.Blocks[block].Of(_parameters[_blocks.Blocks[block].Tensor].Gradient);

    private static void RequireLimit(float? limit, string name)
    {
        if (limit is { } given && !(given > 0 && float.IsFinite(given)))
            throw new ArgumentOutOfRangeException(name, given, "Must be finite and above 0.");
    }
}
