using System.Diagnostics.CodeAnalysis;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>Changes parameters by their gradients.</summary>
public abstract class Optimizer
{
    private float _learningRate;

    /// <summary>Takes over the parameters to train.</summary>
    /// <param name="parameters">At least one, each once.</param>
    /// <param name="learningRate">The size of a step; finite and not negative.</param>
    protected Optimizer(IReadOnlyList<Parameter> parameters, float learningRate)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (parameters.Count == 0)
            throw new ArgumentException("An optimizer needs at least one parameter; got none.", nameof(parameters));
        var seen = new HashSet<Parameter>();
        for (int i = 0; i < parameters.Count; i++)
        {
            if (parameters[i] is null)
                throw new ArgumentException($"Parameter {i} is null.", nameof(parameters));
            if (!seen.Add(parameters[i]))
                throw new ArgumentException($"Parameter {i}, {parameters[i].Name} {parameters[i].Shape}, stands here twice.", nameof(parameters));
        }

        Parameters = [.. parameters];
        LearningRate = learningRate;
    }

    /// <summary>What <see cref="Step"/> changes.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The size of a step; may be changed between steps.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite or NaN.</exception>
    public float LearningRate
    {
        get => _learningRate;
        set
        {
            RequireFactor(value, nameof(LearningRate));
            _learningRate = value;
        }
    }

    /// <summary>Changes every parameter by its gradient. Leaves the gradients. Allocates nothing.</summary>
    [SuppressMessage("Naming", "CA1716", Justification = "Every framework calls it a step; Visual Basic can write [Step].")]
    public abstract void Step(ComputeContext context);

    /// <summary>Sets all gradients to zero: layers add to them.</summary>
    public void ZeroGradients()
    {
        for (int i = 0; i < Parameters.Count; i++)
            Parameters[i].Gradient.Span.Clear();
    }

    /// <summary>Throws unless <paramref name="value"/> is finite and not negative.</summary>
    private protected static void RequireFactor(float value, string name)
    {
        if (!float.IsFinite(value) || value < 0)
            throw new ArgumentOutOfRangeException(name, value, "Must be finite and not negative.");
    }
}
