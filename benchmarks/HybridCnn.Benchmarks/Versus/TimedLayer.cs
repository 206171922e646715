using System.Diagnostics;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>A layer that notes how long its passes take, and is fused like the one inside.</summary>
internal sealed class TimedLayer(Layer inner) : Layer
{
    public Layer Inner => inner;

    public Shape Output { get; private set; }

    /// <summary>Milliseconds, one per call.</summary>
    public List<double> Forwards { get; } = new(1 << 16);

    /// <summary>Milliseconds, one per call.</summary>
    public List<double> Backwards { get; } = new(1 << 16);

    public override IReadOnlyList<Parameter> Parameters => inner.Parameters;

    /// <inheritdoc/>
    public override IReadOnlyList<NamedLayer> Children => inner.Children;

    internal override float? ReluCeiling => inner.ReluCeiling;

    internal override ReluFusion ReluFusion => inner.ReluFusion;

    internal override bool BackwardReadsInput => inner.BackwardReadsInput;

    internal override bool BackwardReadsOutput => inner.BackwardReadsOutput;

    internal override bool ForwardInPlace => inner.ForwardInPlace;

    internal override bool BackwardInPlace => inner.BackwardInPlace;

    internal override bool IsView => inner.IsView;

    /// <inheritdoc/>
    public override Layout PreferredLayout(Shape input) => inner.PreferredLayout(input);

    public override Shape Bind(Shape input) => Output = inner.Bind(input);

    public override void Forward(Tensor x, Tensor y, ComputeContext context)
    {
        long start = Stopwatch.GetTimestamp();
        inner.Forward(x, y, context);
        Forwards.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    internal override void ForwardRelu(Tensor x, Tensor y, float ceiling, ComputeContext context)
    {
        long start = Stopwatch.GetTimestamp();
        inner.ForwardRelu(x, y, ceiling, context);
        Forwards.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    public override void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, ComputeContext context)
    {
        long start = Stopwatch.GetTimestamp();
        inner.Backward(x, y, dy, dx, context);
        Backwards.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }
}
