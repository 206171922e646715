using BenchmarkDotNet.Attributes;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>Pooling layers over a whole batch, both directions.</summary>
public class PoolingBenchmark : IDisposable
{
    private MaxPool2d _max = null!;
    private AveragePool2d _average = null!;
    private Tensor _x = null!;
    private Tensor _y = null!;
    private Tensor _dy = null!;
    private Tensor _dx = null!;
    private ComputeContext _context = null!;

    /// <summary>What is measured.</summary>
    [ParamsSource(nameof(Batches))]
    public PoolProblem Problem { get; set; } = null!;

    /// <summary>How many threads.</summary>
    [ParamsSource(nameof(ThreadCounts))]
    public int Threads { get; set; }

    /// <summary>LeNet's first, and the two usual windows at [32, 64, 56, 56].</summary>
    public static IEnumerable<PoolProblem> Batches =>
    [
        new(Pool2dDims.Create(64, 20, 24, 24, 2, 2, 2, 2)),
        new(Pool2dDims.Create(32, 64, 56, 56, 2, 2, 2, 2)),
        new(Pool2dDims.Create(32, 64, 56, 56, 3, 3, 2, 2, 1, 1, 1, 1)),
    ];

    /// <summary>From the command line.</summary>
    public static IEnumerable<int> ThreadCounts => [Problems.Threads];

    /// <summary>Binds the layers and runs them forward once: backward needs the argmax.</summary>
    [GlobalSetup]
    public void Setup()
    {
        Pool2dDims d = Problem.Dims;
        _context = new ComputeContext(Threads);
        _max = new MaxPool2d(d.KH, d.StrideH, d.PadTop);
        _average = new AveragePool2d(d.KH, d.StrideH, d.PadTop);
        var random = new SeededRandom(1);
        _x = ConvData.Filled(random, d.Input);
        _dy = ConvData.Filled(random, d.Output);
        _y = new Tensor(_max.Bind(d.Input));
        _average.Bind(d.Input);
        _dx = new Tensor(d.Input);
        _max.Forward(_x, _y, _context);
    }

    /// <summary>Ends the threads.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _context.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>y and the argmax from x.</summary>
    [Benchmark]
    public void MaxForward() => _max.Forward(_x, _y, _context);

    /// <summary>dx from dy and the argmax.</summary>
    [Benchmark]
    public void MaxBackward() => _max.Backward(_x, _y, _dy, _dx, _context);

    /// <summary>y from x.</summary>
    [Benchmark]
    public void AverageForward() => _average.Forward(_x, _y, _context);

    /// <summary>dx from dy.</summary>
    [Benchmark]
    public void AverageBackward() => _average.Backward(_x, _y, _dy, _dx, _context);
}
