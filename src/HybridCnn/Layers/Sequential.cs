using System.Globalization;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Layers one after another; itself a layer. <see cref="Bind"/> allocates what lies between them: every activation, which the
/// backward pass reads again, and two buffers that the gradients take turns in.
/// </summary>
public sealed class Sequential : Layer
{
    private readonly Layer[] _layers;
    private readonly Parameter[] _parameters;
    private readonly int _firstWithParameters;
    private readonly Tensor?[] _activations;
    private readonly Tensor?[] _gradients;
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
        _activations = new Tensor?[layers.Length];
        _gradients = new Tensor?[layers.Length];
        NamedParameters = [.. Name(_layers, static layer => layer.Parameters, static inner => inner.NamedParameters)];
        NamedState = [.. Name(_layers, static layer => layer.Parameters.Concat(layer.Buffers), static inner => inner.NamedState)];
        Buffers = [.. _layers.SelectMany(layer => layer.Buffers)];
        _parameters = [.. NamedParameters.Select(named => named.Parameter)];
        _firstWithParameters = Array.FindIndex(_layers, layer => layer.Parameters.Count > 0);
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

        var outputs = new Shape[_layers.Length];
        Shape shape = input;
        for (int i = 0; i < _layers.Length; i++)
        {
            try
            {
                outputs[i] = shape = _layers[i].Bind(shape);
            }
            catch (ArgumentException e)
            {
                _binding = default;
                throw new ArgumentException($"Layer {i}, bound to {shape}: {e.Message}", nameof(input), e);
            }
        }

        PlanActivations(outputs);
        PlanGradients(outputs);
        _binding = new Binding(input, shape);
        return shape;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        Tensor input = x;
        for (int i = 0; i < _layers.Length; i++)
        {
            Tensor output = _activations[i] ?? y;
            if (!IsView(i))
                _layers[i].Forward(input, output, context);
            input = output;
        }
    }

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        for (int i = _layers.Length - 1; i >= 0; i--)
        {
            // Below the first parameter nobody needs a gradient, unless the caller asked for dx.
            bool needed = dx is not null || i >= _firstWithParameters && _firstWithParameters >= 0;
            if (needed && !IsView(i))
            {
                Tensor? gradient = i == 0 ? dx : dx is not null || i > _firstWithParameters ? _gradients[i - 1] : null;
                _layers[i].Backward(i == 0 ? x : _activations[i - 1]!, _activations[i] ?? y, _gradients[i] ?? dy, gradient, context);
            }

            GradientsReady?.Invoke(i);
        }
    }

    // Inside a network a Flatten is its input under another name.
    private bool IsView(int i) => _layers[i] is Flatten && i > 0 && i < _layers.Length - 1;

    private void PlanActivations(Shape[] outputs)
    {
        for (int i = 0; i < outputs.Length - 1; i++)
            _activations[i] = IsView(i) ? _activations[i - 1]!.Reshape(outputs[i]) : new Tensor(outputs[i]);
    }

    // The gradient by a layer's output dies once the gradient by its input is there, so two buffers are enough.
    private void PlanGradients(Shape[] outputs)
    {
        int last = outputs.Length - 1;
        if (last == 0)
            return;
        var largest = new Shape(outputs[..last].Max(shape => shape.Count));
        Tensor current = new(largest), other = last > 1 ? new(largest) : current;
        for (int i = last - 1; i >= 0; i--)
        {
            _gradients[i] = current.Prefix(outputs[i]);
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
}
