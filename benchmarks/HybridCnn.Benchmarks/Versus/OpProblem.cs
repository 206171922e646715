using System.Globalization;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>An operator that moves memory rather than computes, on images.</summary>
/// <param name="Op">"maxpool", "avgpool", "batchnorm" (training), "relu", "bnrelu" (batch norm and ReLU) or "add".</param>
/// <param name="Input">x [N, C, H, W].</param>
/// <param name="Window">Of pooling; null for the others.</param>
internal sealed record OpProblem(string Op, Shape Input, Pool2dDims? Window)
{
    private static readonly string[] Names = ["maxpool", "avgpool", "batchnorm", "relu", "bnrelu", "add"];

    /// <summary>The shape of y and dy.</summary>
    public Shape Output => Window?.Output ?? Input;

    /// <summary>"fwd" and "bwd"; the gradients of a sum are dy itself.</summary>
    public string[] Passes => Op == "add" ? ["fwd"] : ["fwd", "bwd"];

    /// <summary>The problems of one operator: two or three windows of pooling, else one.</summary>
    /// <exception cref="ArgumentException">There is no such operator; the message lists those that there are.</exception>
    public static IEnumerable<OpProblem> Of(string op, Shape input) => op switch
    {
        "maxpool" => [Pool(op, input, 2, 2, 0), Pool(op, input, 3, 2, 1)],
        "avgpool" => [Pool(op, input, 2, 2, 0), Pool(op, input, 3, 1, 1), new(op, input, Whole(input))],
        _ => Names.Contains(op)
            ? [new OpProblem(op, input, null)]
            : throw new ArgumentException($"\"{op}\" is no operator; there are {string.Join(", ", Names)}, im2col and layout.", nameof(op)),
    };

    /// <summary>
    /// What a pass has to read and write when nothing of it stays in a cache between two sweeps. Batch norm sweeps twice: once for the sums,
    /// once for the result. The positions of maxima are not counted.
    /// </summary>
    public double Bytes(string pass) => sizeof(float) * (Op switch
    {
        "batchnorm" or "bnrelu" => pass == "fwd" ? 3.0 * Input.Count : 5.0 * Input.Count,
        "relu" => pass == "fwd" ? 2.0 * Input.Count : 3.0 * Input.Count,
        "add" => 3.0 * Input.Count,
        _ => (double)Input.Count + Output.Count,
    });

    public override string ToString() => Window is not { } w ? $"{Op} {Input}" : string.Create(
        CultureInfo.InvariantCulture, $"{Op} {w.KH}x{w.KW} stride {w.StrideH} pad {w.PadTop} {Input}");

    private static OpProblem Pool(string op, Shape x, int kernel, int stride, int pad) =>
        new(op, x, Pool2dDims.Create(x[0], x[1], x[2], x[3], kernel, kernel, stride, stride, pad, pad, pad, pad));

    private static Pool2dDims Whole(Shape x) => Pool2dDims.Create(x[0], x[1], x[2], x[3], x[2], x[3]);
}
