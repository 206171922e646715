using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// For each element of a kernel (tap) the pairs of an input and an output pixel that meet through it, over some images, both in ascending order. A pixel that would meet
/// padding is in no pair.
/// </summary>
internal sealed class TapPairs
{
    private readonly int[][] _inputs, _outputs;

    /// <summary>Lists the pairs.</summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="images">For so many images, one behind the other.</param>
    public TapPairs(Conv2dDims dims, int images)
    {
        _inputs = new int[dims.KH * dims.KW][];
        _outputs = new int[dims.KH * dims.KW][];
        for (int tap = 0; tap < _inputs.Length; tap++)
        {
            int offsetH = tap / dims.KW * dims.DilationH - dims.PadTop, offsetW = tap % dims.KW * dims.DilationW - dims.PadLeft, at = 0;
            (int firstRow, int endRow) = Window.Inside(offsetH, dims.StrideH, dims.IH, 0, dims.OH);
            (int first, int end) = Window.Inside(offsetW, dims.StrideW, dims.IW, 0, dims.OW);
            int[] inputs = _inputs[tap] = new int[images * (endRow - firstRow) * (end - first)], outputs = _outputs[tap] = new int[inputs.Length];
            for (int image = 0; image < images; image++)
            {
                for (int oh = firstRow; oh < endRow; oh++)
                {
                    int row = (image * dims.IH + oh * dims.StrideH + offsetH) * dims.IW + offsetW;
                    for (int ow = first; ow < end; ow++)
                        (inputs[at], outputs[at++]) = (row + ow * dims.StrideW, (image * dims.OH + oh) * dims.OW + ow);
                }
            }
        }
    }

    /// <summary>The pairs of a tap whose outputs lie in [<paramref name="first"/>, <paramref name="end"/>).</summary>
    public Part WithOutputs(int tap, int first, int end) => Between(_outputs[tap], tap, first, end);

    /// <summary>The pairs of a tap whose inputs lie in [<paramref name="first"/>, <paramref name="end"/>).</summary>
    public Part WithInputs(int tap, int first, int end) => Between(_inputs[tap], tap, first, end);

    private Part Between(int[] pixels, int tap, int first, int end)
    {
        int start = Before(pixels, first), length = Before(pixels, end) - start;
        return new(_inputs[tap].AsSpan(start, length), _outputs[tap].AsSpan(start, length));
    }

    // How many of the pixels, in ascending order, lie before this one.
    private static int Before(int[] pixels, int pixel)
    {
        int found = Array.BinarySearch(pixels, pixel);
        return found < 0 ? ~found : found;
    }

    /// <summary>Pairs: an input pixel and the output pixel it meets.</summary>
    public readonly ref struct Part(ReadOnlySpan<int> inputs, ReadOnlySpan<int> outputs)
    {
        public ReadOnlySpan<int> Inputs { get; } = inputs;

        public ReadOnlySpan<int> Outputs { get; } = outputs;
    }
}
