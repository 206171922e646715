using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks;

/// <summary>Random operands of one convolution, in [−1, 1), from a fixed seed: the same for every side, in planes (NCHW).</summary>
internal sealed class ConvData
{
    public ConvData(Conv2dDims dims)
    {
        var random = new SeededRandom(1);
        X = Filled(random, new Shape(dims.N, dims.IC, dims.IH, dims.IW));
        Weights = Filled(random, new Shape(dims.OC, dims.IC / dims.Groups, dims.KH, dims.KW));
        Dy = Filled(random, new Shape(dims.N, dims.OC, dims.OH, dims.OW));
        Y = new Tensor(Dy.Shape);
        Dx = new Tensor(X.Shape);
        DWeights = new Tensor(Weights.Shape);
    }

    public Tensor X { get; }

    public Tensor Weights { get; }

    public Tensor Dy { get; }

    public Tensor Y { get; }

    public Tensor Dx { get; }

    public Tensor DWeights { get; }

    public static Tensor Filled(SeededRandom random, Shape shape)
    {
        var tensor = new Tensor(shape);
        foreach (ref float value in tensor.Span)
            value = random.NextFloat(-1, 1);
        return tensor;
    }
}
