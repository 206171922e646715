using BenchmarkDotNet.Attributes;
using HybridCnn.Compute;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Benchmarks.Bdn;

/// <summary>An optimizer's step over one parameter.</summary>
/// <param name="Name">The optimizer.</param>
/// <param name="Count">Elements of the parameter.</param>
/// <param name="Arrays">How many arrays pass through memory: gradient read, value and whatever is kept read and written.</param>
public sealed record OptimizerProblem(string Name, int Count, int Arrays) : IWork
{
    /// <inheritdoc/>
    public double Amount => sizeof(float) * (double)Count * Arrays;

    /// <inheritdoc/>
    public bool IsBytes => true;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Count}";
}

/// <summary>Steps of all optimizers, against a copy of as many bytes.</summary>
public class OptimizerBenchmark : IDisposable
{
    private ComputeContext _context = null!;
    private Optimizer _optimizer = null!;

    /// <summary>What is measured.</summary>
    [ParamsSource(nameof(Steps))]
    public OptimizerProblem Problem { get; set; } = null!;

    /// <summary>How many threads.</summary>
    [ParamsSource(nameof(ThreadCounts))]
    public int Threads { get; set; }

    /// <summary>A parameter that no cache holds: ResNet-50 has 25 million.</summary>
    public static IEnumerable<OptimizerProblem> Steps =>
    [
        new("sgd", 16_000_000, 3), new("sgd momentum", 16_000_000, 5), new("adam", 16_000_000, 7), new("adam amsgrad", 16_000_000, 9),
        new("rmsprop", 16_000_000, 5), new("rmsprop centered momentum", 16_000_000, 9), new("lars", 16_000_000, 7),
    ];

    /// <summary>From the command line.</summary>
    public static IEnumerable<int> ThreadCounts => [Problems.Threads];

    /// <summary>Fills the gradient and takes the first step.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _context = new ComputeContext(Threads);
        var parameter = new Parameter("weight", new Shape(1, Problem.Count));
        ConvData.Filled(new SeededRandom(1), parameter.Shape).Span.CopyTo(parameter.Gradient.Span);
        Parameter[] all = [parameter];
        _optimizer = Problem.Name switch
        {
            "sgd" => new Sgd(all, 1e-3f),
            "sgd momentum" => new Sgd(all, 1e-3f, 0.9f),
            "adam" => new Adam(all),
            "adam amsgrad" => new Adam(all, amsgrad: true),
            "rmsprop" => new Rmsprop(all),
            "rmsprop centered momentum" => new Rmsprop(all, momentum: 0.9f, centered: true),
            _ => new Lars(all, 1e-3f),
        };
        _optimizer.Step(_context);
    }

    /// <summary>Ends the threads.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _context.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>One step.</summary>
    [Benchmark]
    public void Step() => _optimizer.Step(_context);
}
