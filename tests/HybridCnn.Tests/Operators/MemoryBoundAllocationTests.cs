using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

[Collection(RunsAlone.Name)]
public class MemoryBoundAllocationTests
{
    [Theory]
    [InlineData(Layout.Nchw, 1)]
    [InlineData(Layout.Nchw, 3)]
    [InlineData(Layout.Nhwc, 1)]
    [InlineData(Layout.Nhwc, 3)]
    public void A_warm_batch_normalization_allocates_nothing(Layout layout, int threads)
    {
        var random = new SeededRandom(1);
        Shape shape = new Shape(4, 33, 40, 40).In(layout);
        Tensor x = Tensor.From(shape, random.Floats(shape.Count)), dy = Tensor.From(shape, random.Floats(shape.Count)), y = new(shape), dx = new(shape);
        float[] gamma = random.Floats(33), beta = random.Floats(33), mean = new float[33], variance = new float[33], dGamma = new float[33], dBeta = new float[33];
        var operation = new BatchNormalization(shape, 1e-5);
        using var context = new ComputeContext(threads);
        AllocatesNothing($"{layout} on {threads} threads", () =>
        {
            operation.ForwardTraining(x.Span, gamma, beta, mean, variance, 0.1, relu: float.PositiveInfinity, y.Span, context);
            operation.Backward(x.Span, dy.Span, dGamma, dBeta, dx.Span, context);
            operation.ForwardFixed(x.Span, gamma, beta, mean, variance, relu: null, y.Span, context);
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_warm_residual_sum_allocates_nothing(int threads)
    {
        var random = new SeededRandom(2);
        var shape = new Shape(4, 33, 40, 40);
        Tensor a = Tensor.From(shape, random.Floats(shape.Count)), b = Tensor.From(shape, random.Floats(shape.Count)), y = new(shape);
        var operation = new ResidualOperator();
        using var context = new ComputeContext(threads);
        AllocatesNothing($"{threads} threads", () =>
        {
            operation.Forward(a, b, relu: false, y, context);
            operation.Forward(a, b, relu: true, y, context);
        });
    }

    private static void AllocatesNothing(string problem, Action run)
    {
        for (int i = 0; i < 3; i++)
            run();

        long least = Allocations.OfAllThreads(run);
        Assert.True(least == 0, $"{problem}: {least} bytes");
    }
}
