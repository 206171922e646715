using System.Globalization;
using System.Text;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Layers one after another; itself a layer. <see cref="Bind"/> decides the memory order between them, by what each layer prefers, and
/// allocates what lies there: every activation, which the backward pass reads again, and two buffers that the gradients take
/// turns in. <see cref="Explain"/> shows all of it.
/// </summary>
public sealed class Sequential : Layer
{
    private readonly Layer[] _layers;
    private readonly Parameter[] _parameters;
    private Step[] _steps = [];
    private int _firstWithParameters;
    private Binding _binding;

    /// <summary>Chains the layers in the given order.</summary>
    /// <exception cref="ArgumentException">None, null among them, or one that stands there twice: a layer is bound to one place.</exception>
    public Sequential(params Layer[] layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        if (layers.Length == 0)
            throw new ArgumentException("A Sequential has at least one layer; got none.", nameof(layers));
        for (int i = 0; i < layers.Length; i++)
        {
            if (layers[i] is null)
                throw new ArgumentException($"Layer {i} is null.", nameof(layers));
            if (Array.IndexOf(layers, layers[i]) is int first && first < i)
                throw new ArgumentException($"Layer {i} is layer {first} again; a layer can be bound to one place only.", nameof(layers));
        }

        _layers = [.. layers];
        NamedParameters = [.. Name(_layers, static layer => layer.Parameters, static inner => inner.NamedParameters)];
        NamedState = [.. Name(_layers, static layer => layer.Parameters.Concat(layer.Buffers), static inner => inner.NamedState)];
        Buffers = [.. _layers.SelectMany(layer => layer.Buffers)];
        _parameters = [.. NamedParameters.Select(named => named.Parameter)];
    }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>All parameters, first layer first.</summary>
    public override IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>All parameters under PyTorch's names, "3.weight": every layer counts, also one without parameters.</summary>
    public IReadOnlyList<NamedParameter> NamedParameters { get; }

    /// <summary>All buffers, first layer first.</summary>
    public override IReadOnlyList<Parameter> Buffers { get; }

    /// <summary>Everything that is saved with a network, parameters and buffers, under PyTorch's names.</summary>
    public IReadOnlyList<NamedParameter> NamedState { get; }

    /// <summary>
    /// Called in <see cref="Backward"/> with a layer's position as soon as the gradients of its parameters are complete: last
    /// layer first, every layer once.
    /// </summary>
    public Action<int>? GradientsReady { get; set; }

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        if (_binding.Input == input && input.Rank > 0)
            return _binding.Output;

        _binding = default;
        List<Step> steps = [];
        Shape shape = input;
        for (int i = 0; i < _layers.Length; i++)
        {
            if (shape.Rank == 4 && _layers[i].PreferredLayout(shape) is var layout && layout != shape.Layout)
                shape = Add(new LayoutChange(layout), null, shape);
            shape = Add(_layers[i], i, shape);
        }

        _steps = [.. steps];
        _firstWithParameters = Array.FindIndex(_steps, step => step.Layer.Parameters.Count > 0);
        PlanActivations();
        PlanGradients();
        _binding = new Binding(input, shape);
        return shape;

        Shape Add(Layer layer, int? position, Shape from)
        {
            try
            {
                steps.Add(new Step(layer, position, layer.Bind(from)));
                return steps[^1].Output;
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"Layer {position}, bound to {from}: {e.Message}", nameof(input), e);
            }
        }
    }

    /// <summary>A line for every layer and for every change of the memory order: what it makes of which shape, and how.</summary>
    public string Explain()
    {
        var text = new StringBuilder($"Sequential, x {_binding.Input}");
        foreach (Step step in _steps)
        {
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"{(step.Position is { } i ? i.ToString(CultureInfo.InvariantCulture) : "-"),3} {step.Layer.GetType().Name} → {step.Output}");
            string? inner = step.Layer switch { Conv2d { Plan: { } plan } => plan.Explain(), Sequential sequential => sequential.Explain(), _ => null };
            if (inner is not null)
                text.AppendLine().Append("      ").Append(inner.ReplaceLineEndings(Environment.NewLine + "      "));
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        Tensor input = x;
        for (int i = 0; i < _steps.Length; i++)
        {
            Tensor output = _steps[i].Activation ?? y;
            if (!IsView(i))
                _steps[i].Layer.Forward(input, output, context);
            input = output;
        }
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        for (int i = _steps.Length - 1; i >= 0; i--)
        {
            // Below the first parameter nobody needs a gradient, unless the caller asked for dx.
            bool needed = dx is not null || i >= _firstWithParameters && _firstWithParameters >= 0;
            if (needed && !IsView(i))
            {
                Tensor? gradient = i == 0 ? dx : dx is not null || i > _firstWithParameters ? _steps[i - 1].Gradient : null;
                _steps[i].Layer.Backward(i == 0 ? x : _steps[i - 1].Activation!, _steps[i].Activation ?? y, _steps[i].Gradient ?? dy, gradient, context);
            }

            if (_steps[i].Position is { } position)
                GradientsReady?.Invoke(position);
        }
    }

    // Inside a network a Flatten is its input under another name.
    private bool IsView(int i) => _steps[i].Layer is Flatten && i > 0 && i < _steps.Length - 1;

    private void PlanActivations()
    {
        for (int i = 0; i < _steps.Length - 1; i++)
            _steps[i].Activation = IsView(i) ? _steps[i - 1].Activation!.Reshape(_steps[i].Output) : new Tensor(_steps[i].Output);
    }

    // The gradient by a layer's output dies once the gradient by its input is there, so two buffers are enough.
    private void PlanGradients()
    {
        int last = _steps.Length - 1;
        if (last == 0)
            return;
        var largest = new Shape(_steps[..last].Max(step => step.Output.Count));
        Tensor current = new(largest), other = last > 1 ? new(largest) : current;
        for (int i = last - 1; i >= 0; i--)
        {
            _steps[i].Gradient = current.Prefix(_steps[i].Output);
            if (!IsView(i))
                (current, other) = (other, current);
        }
    }

    private static IEnumerable<NamedParameter> Name(
        Layer[] layers, Func<Layer, IEnumerable<Parameter>> own, Func<Sequential, IEnumerable<NamedParameter>> inside)
    {
        for (int i = 0; i < layers.Length; i++)
        {
            string prefix = i.ToString(CultureInfo.InvariantCulture) + ".";
            IEnumerable<NamedParameter> inner = layers[i] is Sequential sequential
                ? inside(sequential)
                : own(layers[i]).Select(parameter => new NamedParameter(parameter.Name, parameter));
            foreach (NamedParameter named in inner)
                yield return new(prefix + named.Name, named.Parameter);
        }
    }

    // A layer at its place, or a change of the memory order between two (no position). The last one writes the caller's y and reads the caller's dy.
    private sealed class Step(Layer layer, int? position, Shape output)
    {
        public Layer Layer { get; } = layer;

        public int? Position { get; } = position;

        public Shape Output { get; } = output;

        public Tensor? Activation { get; set; }

        public Tensor? Gradient { get; set; }
    }
}
