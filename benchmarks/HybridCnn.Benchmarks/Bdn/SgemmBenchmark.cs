using BenchmarkDotNet.Attributes;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>The path to the BLAS, in the shapes that convolutions ask for, on one thread.</summary>
public class SgemmBenchmark
{
    private Tensor _a = null!;
    private Tensor _b = null!;
    private Tensor _c = null!;
    private Transpose _ta;
    private Transpose _tb;

    /// <summary>What is measured.</summary>
    [ParamsSource(nameof(Products))]
    public GemmProblem Problem { get; set; } = null!;

    /// <summary>Square ones, LeNet's, and a forward, backward-data and backward-weights product of a 3x3 layer.</summary>
    public static IEnumerable<GemmProblem> Products =>
    [
        new("nn", 64, 64, 64),
        new("nn", 256, 256, 256),
        new("nn", 1024, 1024, 1024),
        new("nn", 20, 576, 25),
        new("nn", 50, 64, 500),
        new("nt", 64, 500, 800),
        new("nn", 64, 3136, 576),
        new("tn", 576, 3136, 64),
        new("nt", 64, 576, 3136),
    ];

    /// <summary>Allocates the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new SeededRandom(1);
        _a = ConvData.Filled(random, new Shape(Problem.M, Problem.K));
        _b = ConvData.Filled(random, new Shape(Problem.K, Problem.N));
        _c = new Tensor(new Shape(Problem.M, Problem.N));
        _ta = Problem.Form[0] == 't' ? Transpose.Yes : Transpose.No;
        _tb = Problem.Form[1] == 't' ? Transpose.Yes : Transpose.No;
    }

    /// <summary>One product.</summary>
    [Benchmark]
    public void Sgemm() => Gemm.Run(
        _ta, _tb, Problem.M, Problem.N, Problem.K, 1,
        _a.Span, _ta == Transpose.Yes ? Problem.M : Problem.K,
        _b.Span, _tb == Transpose.Yes ? Problem.K : Problem.N, 0, _c.Span, Problem.N);
}
