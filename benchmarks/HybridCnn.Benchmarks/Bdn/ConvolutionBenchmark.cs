using BenchmarkDotNet.Attributes;
using HybridCnn.Compute;
using HybridCnn.Operators;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>The three passes of a convolution over a whole batch.</summary>
public class ConvolutionBenchmark : IDisposable
{
    private ConvData _data = null!;
    private ConvolutionPlan _plan = null!;
    private ComputeContext _context = null!;

    /// <summary>What is measured.</summary>
    [ParamsSource(nameof(Convolutions))]
    public ConvProblem Problem { get; set; } = null!;

    /// <summary>How many threads.</summary>
    [ParamsSource(nameof(ThreadCounts))]
    public int Threads { get; set; }

    /// <summary>From the command line, or the usual ones.</summary>
    public static IEnumerable<ConvProblem> Convolutions => Problems.Convolutions.Select(dims => new ConvProblem(dims));

    /// <summary>From the command line.</summary>
    public static IEnumerable<int> ThreadCounts => [Problems.Threads];

    /// <summary>Plans and allocates.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _context = new ComputeContext(Threads);
        _plan = new ConvolutionPlan(Problem.Dims);
        _data = new ConvData(Problem.Dims);
    }

    /// <summary>Ends the threads.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _context.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>y from x and weights.</summary>
    [Benchmark]
    public void Forward() => _plan.Forward(_data.X.Span, _data.Weights.Span, [], _data.Y.Span, _context);

    /// <summary>dx from dy and weights.</summary>
    [Benchmark]
    public void BackwardData() => _plan.BackwardData(_data.Dy.Span, _data.Weights.Span, _data.Dx.Span, _context);

    /// <summary>dWeights from x and dy.</summary>
    [Benchmark]
    public void BackwardWeights() => _plan.BackwardWeights(_data.X.Span, _data.Dy.Span, _data.DWeights.Span, [], _context);
}
