using System.Globalization;
using System.Text;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// Layers one after another; itself a layer. <see cref="Bind"/> decides the memory order between them, by what each layer prefers, and
/// allocates what lies there: every activation, which the backward pass reads again, and two buffers that the gradients take
/// turns in. A ReLU is left to the layer before it where that takes it in; an activation writes over its input where
/// nobody reads that again; a layer that only renames its input costs nothing.
/// <see cref="Explain"/> shows all of it.
/// </summary>
public sealed class Sequential : Layer
{
    private readonly Layer[] _layers;
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
        Children = [.. _layers.Select((layer, i) => new NamedLayer(i.ToString(CultureInfo.InvariantCulture), layer))];
        Parameters = [.. _layers.SelectMany(layer => layer.Parameters)];
        Buffers = [.. _layers.SelectMany(layer => layer.Buffers)];
    }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>The layers under PyTorch's names, "3": every layer counts, also one without parameters.</summary>
    public override IReadOnlyList<NamedLayer> Children { get; }

    /// <summary>All parameters, first layer first.</summary>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>All buffers, first layer first.</summary>
    public override IReadOnlyList<Parameter> Buffers { get; }

    /// <summary>
    /// Called in <see cref="Backward"/> with a layer's position as soon as the gradients of its parameters are complete: last
    /// layer first, every layer once.
    /// </summary>
    public Action<int>? GradientsReady { get; set; }

    internal override ReluFusion ReluFusion => _layers[^1].ReluFusion;

    internal override bool BackwardReadsOutput => _layers[^1].BackwardReadsOutput;

    /// <summary>The first layer's.</summary>
    public override Layout PreferredLayout(Shape input) => _layers[0].PreferredLayout(input);

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
        for (int i = 1; i < _steps.Length; i++)
            _steps[i].FusedInto = _steps[i].Layer.IsRelu && _steps[i - 1].Layer.ReluFusion != ReluFusion.None ? _steps[i - 1] : null;
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
    public override string Explain()
    {
        var text = new StringBuilder($"Sequential, x {_binding.Input}");
        foreach (Step step in _steps)
        {
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"{Position(step),3} {step.Layer.GetType().Name}");
            if (step.FusedInto is { } before)
                text.Append(CultureInfo.InvariantCulture, $", computed by {Position(before)},");
            text.Append(CultureInfo.InvariantCulture, $" → {step.Output}");
            if (step.Layer.Explain() is { Length: > 0 } inner)
                text.AppendLine().Append("      ").Append(inner.ReplaceLineEndings(Environment.NewLine + "      "));
        }

        return text.ToString();

        static string Position(Step step) => step.Position?.ToString(CultureInfo.InvariantCulture) ?? "-";
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: false, context);

    internal override void ForwardRelu(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: true, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        for (int i = _steps.Length - 1; i >= 0; i--)
        {
            // Below the first parameter nobody needs a gradient, unless the caller asked for dx.
            bool needed = dx is not null || i >= _firstWithParameters && _firstWithParameters >= 0;
            if (needed && !IsViewBackward(i))
            {
                Tensor? gradient = i == 0 ? dx : dx is not null || i > _firstWithParameters ? _steps[i - 1].Gradient : null;
                _steps[i].Layer.Backward(i == 0 ? x : _steps[i - 1].Activation ?? y, _steps[i].Activation ?? y, _steps[i].Gradient ?? dy, gradient, context);
            }

            if (_steps[i].Position is { } position)
                GradientsReady?.Invoke(position);
        }
    }

    private void Forward(Tensor x, Tensor y, bool relu, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        Tensor input = x;
        for (int i = 0; i < _steps.Length; i++)
        {
            Tensor output = _steps[i].Activation ?? y;
            if (i == _steps.Length - 1 ? relu : _steps[i + 1].FusedInto is not null)
                _steps[i].Layer.ForwardRelu(input, output, context);
            else if (!IsView(i))
                _steps[i].Layer.Forward(input, output, context);
            input = output;
        }
    }

    // A fused ReLU's output is there already, and inside a network a Flatten is its input under another name.
    private bool IsView(int i) => _steps[i].FusedInto is not null || IsInnerFlatten(i);

    private bool IsViewBackward(int i) => _steps[i].FusedInto?.Layer.ReluFusion == ReluFusion.Both || IsInnerFlatten(i);

    private bool IsInnerFlatten(int i) => _steps[i].Layer is Flatten && i > 0 && i < _steps.Length - 1;

    // Where nothing is planned, the caller's y serves: for the last layer, and for one whose ReLU is the last.
    private void PlanActivations()
    {
        Tensor? next = null;
        for (int i = _steps.Length - 2; i >= 0; i--)
        {
            bool isInPlace = _steps[i + 1].Layer.ForwardInPlace && !_steps[i].Layer.BackwardReadsOutput && !IsView(i);
            next = _steps[i].Activation = isInPlace || IsView(i + 1) ? next?.Prefix(_steps[i].Output) : new Tensor(_steps[i].Output);
        }
    }

    // The gradient by a layer's output dies once the gradient by its input is there, so two buffers are enough, and one where that
    // is written over it. The caller's dy, which serves where nothing is planned, is left as it is.
    private void PlanGradients()
    {
        int last = _steps.Length - 1;
        if (last == 0)
            return;
        var largest = new Shape(_steps[..last].Max(step => step.Output.Count));
        Tensor? current = null, other = null;
        for (int i = last - 1; i >= 0; i--)
        {
            bool isInPlace = i + 1 < last && _steps[i + 1].Layer.BackwardInPlace;
            if (!isInPlace && !IsViewBackward(i + 1))
                (current, other) = (other ?? new Tensor(largest), current);
            _steps[i].Gradient = current?.Prefix(_steps[i].Output);
        }
    }

    // A layer at its place, or a change of the memory order between two (no position). The last one writes the caller's y and reads the caller's dy.
    private sealed class Step(Layer layer, int? position, Shape output)
    {
        public Layer Layer { get; } = layer;

        public int? Position { get; } = position;

        public Shape Output { get; } = output;

        /// <summary>For a ReLU that the layer before computes: that one.</summary>
        public Step? FusedInto { get; set; }

        public Tensor? Activation { get; set; }

        public Tensor? Gradient { get; set; }
    }
}
