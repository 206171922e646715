using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Our passes of one operator, as layers run them, in one memory order.</summary>
internal sealed class OurOp
{
    private readonly ComputeContext _context;
    private readonly Layer? _layer;
    private readonly bool _relu;
    private readonly ResidualOperator _sum = new();
    private readonly Tensor _x, _dy, _y, _dx;
    private readonly Tensor? _second;

    /// <param name="problem">What to compute.</param>
    /// <param name="data">In planes; copied where the layout is another.</param>
    /// <param name="layout">The memory order that is measured.</param>
    /// <param name="context">Threads.</param>
    public OurOp(OpProblem problem, OpData data, Layout layout, ComputeContext context)
    {
        _context = context;
        _layer = LayerOf(problem);
        _relu = problem.Op == "bnrelu";
        (_x, _dy) = (In(layout, data.X), In(layout, data.Dy));
        _second = data.Second is null ? null : In(layout, data.Second);
        (_y, _dx) = (new Tensor(_dy.Shape), new Tensor(_x.Shape));
        if (_layer is null)
            return;
        _layer.Bind(_x.Shape);
        if (_layer.Parameters is [{ } weight, { } bias])
        {
            data.Weight.Span.CopyTo(weight.Value.Span);
            data.Bias.Span.CopyTo(bias.Value.Span);
        }

        // A backward pass needs what the forward pass keeps.
        Step("fwd")();
    }

    /// <summary>Null if there is such an operator in this memory order, else why not.</summary>
    public static string? Refusal(OpProblem problem, Layout layout) =>
        problem.Op == "maxpool" && problem.Window is { } w && layout == Layout.Nhwc ? MaxPoolNhwcOperator.Refusal(Pool2dDims.Create(
            w.N, w.C, w.IH, w.IW, w.KH, w.KW, w.StrideH, w.StrideW, w.PadTop, w.PadLeft, w.PadBottom, w.PadRight, layout: layout)) : null;

    public Action Step(string pass) => (_layer, pass) switch
    {
        (null, _) => () => _sum.Forward(_x, _second!, relu: false, _y, _context),
        // As Sequential runs the two.
        ({ } layer, "fwd") when _relu => () => layer.ForwardRelu(_x, _y, float.PositiveInfinity, _context),
        ({ } layer, "fwd") => () => layer.Forward(_x, _y, _context),
        ({ } layer, _) => () => layer.Backward(_x, _y, _dy, _dx, _context),
    };

    /// <summary>y, or dx and the gradients of the parameters, after one step from nothing, in the order of the shape.</summary>
    public float[][] Result(string pass)
    {
        Tensor result = pass == "fwd" ? _y : _dx;
        result.Span.Fill(float.NaN);
        foreach (Parameter parameter in _layer?.Parameters ?? [])
            parameter.Gradient.Span.Clear();
        Step(pass)();
        return pass == "fwd"
            ? [In(Layout.Nchw, result).Span.ToArray()]
            : [In(Layout.Nchw, result).Span.ToArray(), .. _layer!.Parameters.Select(parameter => parameter.Gradient.Span.ToArray())];
    }

    private static Layer? LayerOf(OpProblem problem) => problem.Op switch
    {
        "maxpool" => new MaxPool2d(problem.Window!.Value.KH, problem.Window.Value.StrideH, problem.Window.Value.PadTop),
        "avgpool" => problem.Output[2] * problem.Output[3] == 1
            ? new GlobalAveragePool2d()
            : new AveragePool2d(problem.Window!.Value.KH, problem.Window.Value.StrideH, problem.Window.Value.PadTop),
        "batchnorm" or "bnrelu" => new BatchNorm2d(problem.Input[1]),
        "relu" => new ReLU(),
        _ => null,
    };

    private Tensor In(Layout layout, Tensor tensor)
    {
        if (tensor.Layout == layout)
            return tensor;
        var other = new Tensor(tensor.Shape.In(layout));
        new LayoutOperator().Run(tensor, other, _context);
        return other;
    }
}
