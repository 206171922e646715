using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>y = the sum of all inputs, element by element.</summary>
internal sealed class SumJoin : Join
{
    private readonly ResidualOperator _operator = new();

    public override string Name => "Sum";

    public override bool TakesInRelu => true;

    public override bool PassesGradient => true;

    public override bool ForwardInPlace => true;

    public override Shape Bind(IReadOnlyList<Shape> inputs)
    {
        foreach (Shape other in inputs)
        {
            if (other != inputs[0])
                throw new ArgumentException($"it adds {inputs[0]} and {other}; they must be the same.");
        }

        return inputs[0];
    }

    public override void Forward(Tensor[] inputs, Tensor y, bool relu, ComputeContext context)
    {
        _operator.Forward(inputs[0], inputs[1], relu && inputs.Length == 2, y, context);
        for (int i = 2; i < inputs.Length; i++)
            _operator.Forward(y, inputs[i], relu && i == inputs.Length - 1, y, context);
    }

    public override void Backward(Tensor dy, Tensor?[] dx, ComputeContext context) => throw new InvalidOperationException("The gradient of a sum is passed on.");
}
