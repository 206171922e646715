using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>The channels (second extent) of all inputs, one after another.</summary>
internal sealed class ConcatJoin : Join
{
    private readonly ConcatOperator _operator = new();
    private Shape[] _inputs = [];

    public override string Name => "Concat";

    public override Shape Bind(IReadOnlyList<Shape> inputs)
    {
        Shape first = inputs[0];
        long channels = 0;
        foreach (Shape other in inputs)
        {
            bool fits = first.Rank >= 2 && other.Rank == first.Rank;
            for (int axis = 0; fits && axis < first.Rank; axis++)
                fits = axis == 1 || first[axis] == other[axis];
            if (!fits)
                throw new ArgumentException($"it lines up the channels of {first} and {other}; all other extents must be the same.");
            channels += other[1];
        }

        _inputs = [.. inputs];
        int all = checked((int)Math.Min(channels, int.MaxValue));
        return first.Rank switch
        {
            4 => new Shape(first[0], all, first[2], first[3]).In(first.Layout),
            3 => new Shape(first[0], all, first[2]),
            _ => new Shape(first[0], all),
        };
    }

    public override void Forward(Tensor[] inputs, Tensor y, bool relu, ComputeContext context) => _operator.Forward(inputs, y, context);

    public override void Backward(Tensor dy, Tensor?[] dx, ComputeContext context) => _operator.Backward(dy, dx, _inputs, context);
}
