using HybridCnn.Tensors;

namespace HybridCnn.Tests.Support;

/// <summary>The problems of tests/shapes, which tests and benchmarks share.</summary>
internal static class ShapeTable
{
    /// <summary>The lines of a table, without comments and blank lines.</summary>
    public static IEnumerable<string> Lines(string file) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "shapes", file))
            .Select(line => line.Split('#')[0].Trim())
            .Where(line => line.Length > 0);

    public static TheoryData<string> Convolutions => new(Lines("conv.txt"));

    public static IEnumerable<Conv2dDims> ConvolutionDims => Lines("conv.txt").Select(Conv2dDims.Parse);

    public static TheoryData<string> Poolings => new(Lines("pool.txt"));

    public static IEnumerable<Pool2dDims> PoolingDims => Lines("pool.txt").Select(Pool2dDims.Parse);
}
