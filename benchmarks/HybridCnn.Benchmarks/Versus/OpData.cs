using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Random operands of one operator, in [−1, 1), from a fixed seed: the same for every side, in planes (NCHW).</summary>
internal sealed class OpData
{
    public OpData(OpProblem problem)
    {
        var random = new SeededRandom(1);
        X = ConvData.Filled(random, problem.Input);
        Second = problem.Op == "add" ? ConvData.Filled(random, problem.Input) : null;
        Dy = ConvData.Filled(random, problem.Output);
        Weight = ConvData.Filled(random, new Shape(problem.Input[1]));
        Bias = ConvData.Filled(random, new Shape(problem.Input[1]));
    }

    public Tensor X { get; }

    /// <summary>What is added to x; null for other operators.</summary>
    public Tensor? Second { get; }

    public Tensor Dy { get; }

    public Tensor Weight { get; }

    public Tensor Bias { get; }

    /// <summary>Takes dy away where y is so near 0 that rounding decides on which side of a ReLU it lies.</summary>
    public void ClearDyNearZero(double[] y)
    {
        const double rounding = 1e-5;
        Span<float> dy = Dy.Span;
        for (int i = 0; i < y.Length; i++)
            dy[i] = Math.Abs(y[i]) < rounding ? 0 : dy[i];
    }
}
