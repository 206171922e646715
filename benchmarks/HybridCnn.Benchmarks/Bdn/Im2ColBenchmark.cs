using BenchmarkDotNet.Attributes;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>Lowering, alone and on one thread.</summary>
public class Im2ColBenchmark
{
    private Tensor _x = null!;
    private Tensor _columns = null!;

    /// <summary>What is measured.</summary>
    [ParamsSource(nameof(Images))]
    public LoweringProblem Problem { get; set; } = null!;

    /// <summary>From the command line, or the usual ones.</summary>
    public static IEnumerable<LoweringProblem> Images => Problems.Convolutions.Select(dims => new LoweringProblem(dims));

    /// <summary>Allocates image and matrix.</summary>
    [GlobalSetup]
    public void Setup()
    {
        Conv2dDims d = Problem.Dims;
        _x = ConvData.Filled(new SeededRandom(1), new Shape(d.IC, d.IH, d.IW));
        _columns = new Tensor(new Shape(d.IC * d.KH * d.KW, d.OH * d.OW));
    }

    /// <summary>One image to its matrix of patches [IC·KH·KW, OH·OW].</summary>
    [Benchmark]
    public void Im2Col() => Kernels.Im2Col.Run(Problem.Dims, _x.Span, Problem.Dims.IC, 0, Problem.Dims.OH, _columns.Span);

    /// <summary>The way back: every patch is added to where it came from.</summary>
    [Benchmark]
    public void Col2Im() => Kernels.Col2Im.Run(Problem.Dims, _columns.Span, Problem.Dims.IC, 0, Problem.Dims.OH, _x.Span);
}
