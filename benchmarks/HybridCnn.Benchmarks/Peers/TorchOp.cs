using HybridCnn.Benchmarks.Versus;
using HybridCnn.Tensors;
using TorchSharp;
using static TorchSharp.torch.nn;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>The peer's passes of one operator, on fixed data.</summary>
internal sealed class TorchOp : IDisposable
{
    private readonly OpProblem _problem;
    private readonly bool _channelsLast;
    private readonly torch.ScalarType _type;
    private readonly torch.Tensor _x, _second, _weight, _bias, _mean, _variance, _y;
    private torch.Tensor _dy;

    /// <param name="problem">What to compute.</param>
    /// <param name="data">All operands.</param>
    /// <param name="channelsLast">Images with the channels innermost.</param>
    /// <param name="type">float32 to be timed, float64 to be the reference.</param>
    public TorchOp(OpProblem problem, OpData data, bool channelsLast, torch.ScalarType type = torch.ScalarType.Float32)
    {
        (_problem, _channelsLast, _type) = (problem, channelsLast, type);
        _x = Place(data.X);
        _second = data.Second is null ? _x : Place(data.Second);
        _dy = Place(data.Dy);
        _weight = torch.tensor(data.Weight.Span.ToArray()).to_type(type);
        _bias = torch.tensor(data.Bias.Span.ToArray()).to_type(type);
        _mean = torch.zeros(problem.Input[1], dtype: type);
        _variance = torch.ones(problem.Input[1], dtype: type);
        _x.requires_grad = true;
        _weight.requires_grad = true;
        _bias.requires_grad = true;
        _y = Compute();
    }

    public Action Step(string pass) => pass == "fwd"
        ? () => Forward().Dispose()
        : () =>
        {
            foreach (torch.Tensor gradient in Gradients())
                gradient.Dispose();
        };

    /// <summary>y, or dx and the gradients of the parameters, in the order of the shape.</summary>
    public double[][] Result(string pass)
    {
        using var scope = torch.NewDisposeScope();
        return [.. (pass == "fwd" ? [Forward()] : Gradients()).Select(result =>
            result.detach().to_type(torch.ScalarType.Float64).contiguous().data<double>().ToArray())];
    }

    /// <summary>Takes over dy again, after it was changed.</summary>
    public void SetDy(Tensor dy)
    {
        _dy.Dispose();
        _dy = Place(dy);
    }

    public void Dispose()
    {
        foreach (torch.Tensor tensor in (torch.Tensor[])[_y, _dy, _x, _second, _weight, _bias, _mean, _variance])
            tensor.Dispose();
    }

    private torch.Tensor Place(Tensor values)
    {
        Shape shape = values.Shape;
        using var scope = torch.NewDisposeScope();
        torch.Tensor tensor = torch.tensor(values.Span.ToArray(), [shape[0], shape[1], shape[2], shape[3]]).to_type(_type);
        return (_channelsLast ? Torch.ToChannelsLast(tensor) : tensor).MoveToOuterDisposeScope();
    }

    private torch.Tensor Forward()
    {
        using var noGradient = torch.no_grad();
        return Compute();
    }

    // The graph stays for the next call, and gradients are handed out, not added to anything: what is timed is the kernel and the
    // allocation of its result.
    private torch.Tensor[] Gradients() => [.. torch.autograd.grad(
        [_y], _problem.Op is "batchnorm" or "bnrelu" ? [_x, _weight, _bias] : [_x], [_dy], retain_graph: true)];

    private torch.Tensor Compute() => _problem.Op switch
    {
        "maxpool" => functional.max_pool2d(_x, Window.KH, Window.StrideH, Window.PadTop),
        "avgpool" => _problem.Output[2] * _problem.Output[3] == 1
            ? functional.adaptive_avg_pool2d(_x, 1)
            : functional.avg_pool2d(_x, Window.KH, Window.StrideH, Window.PadTop),
        "batchnorm" => functional.batch_norm(_x, _mean, _variance, _weight, _bias, training: true),
        "bnrelu" => functional.relu(functional.batch_norm(_x, _mean, _variance, _weight, _bias, training: true), inplace: true),
        "relu" => functional.relu(_x),
        "add" => _x + _second,
        _ => throw new ArgumentException($"The peer has no operator \"{_problem.Op}\".", nameof(_problem)),
    };

    private Pool2dDims Window => _problem.Window!.Value;
}
