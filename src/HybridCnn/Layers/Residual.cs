using System.Text;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// y = body(x) + shortcut(x), or body(x) + x without a shortcut. Both summands have one shape; where the body leaves another memory
/// order, the shortcut follows it. Parameters: "body.0.weight", "shortcut.0.weight".
/// Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2015.
/// </summary>
public sealed class Residual : Layer
{
    private readonly Sequential _body;
    private readonly Layer? _shortcut;
    private readonly ResidualOperator _sum = new();
    private Sequential? _besides;
    private Tensor? _bodyY, _besidesY, _besidesDx;
    private Binding _binding;

    /// <summary>Two ways from x to y.</summary>
    /// <param name="body">The long way.</param>
    /// <param name="shortcut">The short way, mostly a 1x1 convolution with batch normalization where the shape changes; null adds x itself.</param>
    /// <exception cref="ArgumentException">Body and shortcut are one layer: a layer is bound to one place.</exception>
    public Residual(Layer body, Layer? shortcut = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (ReferenceEquals(body, shortcut))
            throw new ArgumentException("The shortcut is the body again; a layer can be bound to one place only.", nameof(shortcut));
        _body = AsSequential(body);
        _shortcut = shortcut;
        Children = shortcut is null ? [new("body", body)] : [new("body", body), new("shortcut", shortcut)];
        Parameters = [.. Children.SelectMany(child => child.Layer.Parameters)];
        Buffers = [.. Children.SelectMany(child => child.Layer.Buffers)];
    }

    /// <summary>"body", and "shortcut" if there is one.</summary>
    public override IReadOnlyList<NamedLayer> Children { get; }

    /// <summary>The body's, then the shortcut's.</summary>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc cref="Parameters"/>
    public override IReadOnlyList<Parameter> Buffers { get; }

    internal override ReluFusion ReluFusion => ReluFusion.Forward;

    internal override bool BackwardReadsOutput => false;

    /// <summary>The body's.</summary>
    public override Layout PreferredLayout(Shape input) => _body.PreferredLayout(input);

    /// <inheritdoc/>
    public override Shape Bind(Shape input)
    {
        if (_binding.Input == input && input.Rank > 0)
            return _binding.Output;

        _binding = default;
        Shape output = _body.Bind(input);
        BindBesides(input, output);
        _bodyY = _body.BackwardReadsOutput ? new Tensor(output) : null;
        if (_besides is null)
        {
            (_besidesY, _besidesDx) = (null, null);
        }
        else
        {
            // Its output dies with the sum, unless it is read again.
            var shared = new Tensor(new Shape(Math.Max(input.Count, output.Count)));
            _besidesY = _besides.BackwardReadsOutput ? new Tensor(output) : shared.Prefix(output);
            _besidesDx = shared.Prefix(input);
        }

        _binding = new Binding(input, output);
        return output;
    }

    /// <inheritdoc/>
    public override void Forward(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: false, context);

    internal override void ForwardRelu(Tensor x, Tensor y, ComputeContext context) => Forward(x, y, relu: true, context);

    /// <inheritdoc/>
    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        _binding.CheckBackward(this, x, y, dy, dx, context);
        _body.Backward(x, _bodyY ?? y, dy, dx, context);
        _besides?.Backward(x, _besidesY!, dy, dx is null ? null : _besidesDx, context);
        if (dx is not null)
            _sum.Forward(dx, _besides is null ? dy : _besidesDx!, relu: false, dx, context);
    }

    /// <inheritdoc/>
    public override string Explain()
    {
        var text = new StringBuilder("body: ").Append(_body.Explain());
        if (_besides is not null)
            text.AppendLine().Append("shortcut: ").Append(_besides.Explain());
        return text.ToString();
    }

    private void Forward(Tensor x, Tensor y, bool relu, ComputeContext context)
    {
        _binding.CheckForward(this, x, y, context);
        Tensor body = _bodyY ?? y;
        _body.Forward(x, body, context);
        _besides?.Forward(x, _besidesY!, context);
        _sum.Forward(body, _besidesY ?? x, relu, y, context);
    }

    // The shortcut, with a change of the memory order behind it where the body makes one; null adds x itself.
    private void BindBesides(Shape input, Shape output)
    {
        _besides = _shortcut is null ? null : AsSequential(_shortcut);
        Shape result = _besides?.Bind(input) ?? input;
        if (result.Layout != output.Layout)
        {
            var change = new LayoutChange(output.Layout);
            _besides = _besides is null ? new Sequential(change) : new Sequential(_besides, change);
            result = _besides.Bind(input);
        }

        if (result != output)
            throw new ArgumentException($"The body makes {output} of {input}, the shortcut {result}; they must be the same.", nameof(input));
    }

    // It converts x to the memory order that its first layer likes.
    private static Sequential AsSequential(Layer layer) => layer as Sequential ?? new Sequential(layer);
}
