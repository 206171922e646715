using System.Globalization;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>A benchmark's parameter that knows how much one call does.</summary>
public interface IWork
{
    /// <summary>Floating-point operations (a multiplication and an addition are two), or bytes read and written.</summary>
    double Amount { get; }

    /// <summary>Whether <see cref="Amount"/> counts bytes: then the yardstick is a copy, otherwise SGEMM's peak.</summary>
    bool IsBytes { get; }
}

/// <summary>C[M,N] = A[M,K]·B[K,N]; either factor may be stored transposed ("n" or "t").</summary>
public sealed record GemmProblem(string Form, int M, int N, int K) : IWork
{
    /// <inheritdoc/>
    public double Amount => 2.0 * M * N * K;

    /// <inheritdoc/>
    public bool IsBytes => false;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Form} {M}x{N}x{K}");
}

/// <summary>A pass of a convolution: every pass has the same number of products.</summary>
public sealed record ConvProblem(Conv2dDims Dims) : IWork
{
    /// <inheritdoc/>
    public double Amount => Dims.Flops;

    /// <inheritdoc/>
    public bool IsBytes => false;

    /// <inheritdoc/>
    public override string ToString() => Dims.ToString();
}

/// <summary>Lowering one image of a convolution: the image is read, the matrix of patches written.</summary>
public sealed record LoweringProblem(Conv2dDims Dims) : IWork
{
    /// <inheritdoc/>
    public double Amount => sizeof(float) * (double)Dims.IC * (Dims.IH * Dims.IW + Dims.KH * Dims.KW * Dims.OH * Dims.OW);

    /// <inheritdoc/>
    public bool IsBytes => true;

    /// <inheritdoc/>
    public override string ToString() => Dims.ToString();
}

/// <summary>Pooling: x and y pass through memory once in each direction; the argmax is not counted.</summary>
public sealed record PoolProblem(Pool2dDims Dims) : IWork
{
    /// <inheritdoc/>
    public double Amount => sizeof(float) * (double)Dims.N * Dims.C * (Dims.IH * Dims.IW + Dims.OH * Dims.OW);

    /// <inheritdoc/>
    public bool IsBytes => true;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Dims.Input} {Dims.KH}x{Dims.KW} stride {Dims.StrideH}");
}
