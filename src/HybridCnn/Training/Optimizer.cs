using System.Diagnostics.CodeAnalysis;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Changes parameters by their gradients. Steps have the same bits for any number of threads. NaN passes through to the parameters.
/// </summary>
public abstract class Optimizer
{
    private readonly List<(string Name, Tensor[] Tensors)> _states = [];
    private readonly float[] _learningRateFactors, _weightDecayFactors;
    private float _learningRate;

    /// <summary>Takes over the parameters to train.</summary>
    /// <param name="parameters">At least one, each once.</param>
    /// <param name="learningRate">The size of a step; finite and not negative.</param>
    /// <param name="weightDecay">How strongly parameters are drawn to 0; finite and not negative.</param>
    protected Optimizer(IReadOnlyList<Parameter> parameters, float learningRate, float weightDecay)
    {
        Parameters = Checked(parameters);
        LearningRate = learningRate;
        RequireFactor(weightDecay, nameof(weightDecay));
        WeightDecay = weightDecay;
        _learningRateFactors = new float[Parameters.Count];
        _weightDecayFactors = new float[Parameters.Count];
        _learningRateFactors.AsSpan().Fill(1);
        _weightDecayFactors.AsSpan().Fill(1);
        Blocks = new TensorBlocks(Parameters.Select(parameter => parameter.Shape.Count));
    }

    /// <summary>What <see cref="Step"/> changes.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Steps taken so far.</summary>
    public long Steps { get; private set; }

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

    /// <summary>How strongly parameters are drawn to 0.</summary>
    public float WeightDecay { get; }

    /// <summary>
    /// What training needs to go on bit for bit: "steps", "learning_rate", and what the optimizer remembers of each parameter, under the
    /// parameter's position: "velocity.0". The parameters themselves are the network's to save.
    /// </summary>
    public TrainingState State => new(
        [.. _states.SelectMany(state => state.Tensors.Select((tensor, parameter) => new NamedTensor($"{state.Name}.{parameter}", tensor)))],
        [
            NamedNumber.Counter("steps", () => Steps, value => Steps = value),
            new NamedNumber("learning_rate", () => LearningRate, value => LearningRate = (float)value),
        ]);

    /// <summary>The elements by parameter, as workers take them.</summary>
    private protected TensorBlocks Blocks { get; }

    /// <summary>
    /// Gives some parameters a learning rate and a weight decay of their own: the optimizer's, now and later, times these factors. A
    /// learning rate of 0 leaves them as they are.
    /// </summary>
    /// <param name="parameters">Of this optimizer.</param>
    /// <param name="learningRate">The factor of the learning rate; finite and not negative.</param>
    /// <param name="weightDecay">The factor of the weight decay; finite and not negative.</param>
    /// <exception cref="ArgumentException">A parameter that isn't the optimizer's, or a factor out of range; nothing is changed.</exception>
    public void Scale(IEnumerable<Parameter> parameters, float learningRate = 1, float weightDecay = 1)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        RequireFactor(learningRate, nameof(learningRate));
        RequireFactor(weightDecay, nameof(weightDecay));
        int[] positions = [.. parameters.Select(PositionOf)];
        foreach (int position in positions)
            (_learningRateFactors[position], _weightDecayFactors[position]) = (learningRate, weightDecay);
    }

    /// <summary>
    /// Leaves biases and the scales and shifts of normalizations, which are the parameters of one extent, out of weight decay
    /// (He et al., Bag of tricks for image classification, 2019). Their learning rates stay.
    /// </summary>
    public void DecayWeightsOnly()
    {
        for (int i = 0; i < Parameters.Count; i++)
        {
            if (Parameters[i].Shape.Rank == 1)
                _weightDecayFactors[i] = 0;
        }
    }

    /// <summary>Changes every parameter by its gradient. Leaves the gradients. Allocates nothing.</summary>
    [SuppressMessage("Naming", "CA1716", Justification = "Every framework calls it a step; Visual Basic can write [Step].")]
    public void Step(ComputeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Prepare(context);
        Blocks.For(context, this, static (self, _, start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                TensorBlocks.Block block = self.Blocks.Blocks[i];
                Parameter parameter = self.Parameters[block.Tensor];
                self.Update(block.Tensor, block.Start, block.Of(parameter.Gradient), block.Of(parameter.Value));
            }
        });
        Steps++;
    }

    /// <summary>Sets all gradients to zero: layers add to them.</summary>
    public void ZeroGradients()
    {
        for (int i = 0; i < Parameters.Count; i++)
            Parameters[i].Gradient.Span.Clear();
    }

    /// <summary>What a step needs to know before it changes anything; <see cref="Steps"/> counts those before.</summary>
    protected virtual void Prepare(ComputeContext context)
    {
    }

    /// <summary>
    /// The step of some neighbouring elements of a parameter; called by several threads, for each element once. Where elements are cut
    /// depends on the parameters alone.
    /// </summary>
    /// <param name="parameter">The parameter's position.</param>
    /// <param name="start">The first element's position in it.</param>
    /// <param name="gradient">Left as it is.</param>
    /// <param name="value">Updated.</param>
    protected abstract void Update(int parameter, int start, ReadOnlySpan<float> gradient, Span<float> value);

    /// <summary>The learning rate of a parameter.</summary>
    protected float LearningRateOf(int parameter) => LearningRate * _learningRateFactors[parameter];

    /// <summary>The weight decay of a parameter.</summary>
    protected float WeightDecayOf(int parameter) => WeightDecay * _weightDecayFactors[parameter];

    /// <summary>What coupled decay adds to the gradient, and what decoupled decay leaves of the value: 1 - learningRate·weightDecay.</summary>
    private protected (float Coupled, float Shrink) Decay(int parameter, bool decoupled) => decoupled
        ? (0, (float)(1 - (double)LearningRateOf(parameter) * WeightDecayOf(parameter)))
        : (WeightDecayOf(parameter), 1);

    /// <summary>Zeros of each parameter's shape, which <see cref="State"/> shows under a name.</summary>
    protected Tensor[] Remember(string name)
    {
        Tensor[] tensors = [.. Parameters.Select(parameter => new Tensor(parameter.Shape))];
        _states.Add((name, tensors));
        return tensors;
    }

    /// <summary>Throws unless <paramref name="value"/> is finite and not negative.</summary>
    private protected static void RequireFactor(float value, string name)
    {
        if (!float.IsFinite(value) || value < 0)
            throw new ArgumentOutOfRangeException(name, value, "Must be finite and not negative.");
    }

    /// <summary>Throws unless <paramref name="value"/> is at least 0 and below 1.</summary>
    private protected static void RequireShare(float value, string name)
    {
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException(name, value, "Must be at least 0 and below 1.");
    }

    /// <summary>The parameters, at least one, each once.</summary>
    internal static Parameter[] Checked(IReadOnlyList<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (parameters.Count == 0)
            throw new ArgumentException("There must be at least one parameter; got none.", nameof(parameters));
        var seen = new HashSet<Parameter>();
        for (int i = 0; i < parameters.Count; i++)
        {
            if (parameters[i] is null)
                throw new ArgumentException($"Parameter {i} is null.", nameof(parameters));
            if (!seen.Add(parameters[i]))
                throw new ArgumentException($"Parameter {i}, {parameters[i].Name} {parameters[i].Shape}, stands here twice.", nameof(parameters));
        }

        return [.. parameters];
    }

    private int PositionOf(Parameter parameter)
    {
        for (int i = 0; i < Parameters.Count; i++)
        {
            if (ReferenceEquals(Parameters[i], parameter))
                return i;
        }

        throw new ArgumentException($"The optimizer doesn't hold the parameter {parameter?.Name} {parameter?.Shape}.", nameof(parameter));
    }
}
