using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>A layer, or a join of several values, at its place in a network, with the ReLU behind it if it takes that in.</summary>
/// <param name="name">The full name; "-" for a change of the memory order that the network puts in.</param>
/// <param name="child">The position of the network's child that it belongs to; -1 for none.</param>
/// <param name="layer">Null for a join.</param>
/// <param name="join">Null for a layer.</param>
/// <param name="inputs">The values that it reads.</param>
/// <param name="output">The value that it makes.</param>
/// <param name="segment">The number of the network inside that is to be computed again, see <see cref="Recomputation"/>; -1 for none.</param>
internal sealed class NetworkStep(string name, int child, Layer? layer, Join? join, int[] inputs, int output, int segment)
{
    public int Segment => segment;

    public string Name => name;

    public int Child => child;

    public Layer? Layer => layer;

    public Join? Join => join;

    public int[] Inputs => inputs;

    /// <summary>Behind the ReLU, if there is one.</summary>
    public int Output { get; private set; } = output;

    /// <summary>The ReLU that it computes, too.</summary>
    public NetworkStep? Relu { get; private set; }

    public string TypeName => layer is null ? join!.Name : layer.Kind;

    /// <summary>With the ReLU that it takes in.</summary>
    public string FullTypeName => Relu is null ? TypeName : $"{TypeName}+{Relu.TypeName}";

    public bool IsView => layer is { IsView: true };

    public bool HasParameters => layer is { Parameters.Count: > 0 };

    /// <summary>Whether the gradient has to go through the ReLU before it comes to the layer.</summary>
    public bool MasksGradient => Relu is not null && layer is not { ReluFusion: ReluFusion.Both };

    public bool BackwardReadsInput => layer is { BackwardReadsInput: true };

    public bool BackwardReadsOutput => MasksGradient || Relu is null && layer is { BackwardReadsOutput: true };

    public bool ForwardInPlace => layer?.ForwardInPlace ?? (join!.ForwardInPlace && inputs.Length == 2);

    public bool BackwardInPlace => layer is { BackwardInPlace: true };

    /// <summary>The forward pass.</summary>
    public void Run(Tensor[] x, Tensor y, ComputeContext context)
    {
        if (join is not null)
            join.Forward(x, y, Relu is not null, context);
        else if (Relu is not null)
            layer!.ForwardRelu(x[0], y, Relu.Layer!.ReluCeiling!.Value, context);
        else
            layer!.Forward(x[0], y, context);
    }

    /// <summary>Whether <paramref name="next"/> is a ReLU that can be left to this step.</summary>
    public bool TakesIn(NetworkStep next) =>
        Relu is null && next.Layer?.ReluCeiling is { } ceiling
        && (layer?.ReluFusion ?? (join!.TakesInRelu ? ReluFusion.Forward : ReluFusion.None)) is var fusion
        && (fusion == ReluFusion.Both || fusion == ReluFusion.Forward && float.IsPositiveInfinity(ceiling));

    /// <summary>This step with another layer, which also does what <paramref name="last"/> does, if that is given.</summary>
    public NetworkStep With(Layer other, NetworkStep? last = null)
    {
        last ??= this;
        var step = new NetworkStep(name, child, other, null, inputs, last.Output, segment);
        if (last.Relu is { } relu)
            step.TakeIn(relu);
        return step;
    }

    public void TakeIn(NetworkStep relu) => (Relu, Output) = (relu, relu.Output);
}
