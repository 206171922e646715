using HybridCnn.Tensors;

namespace HybridCnn.Kernels;

/// <summary>Copies rows of an NHWC image with the padding around them, so that what reads them needs to know of none.</summary>
internal static class PaddedRows
{
    /// <summary>Pixels of a padded row: as many as kernels reach.</summary>
    public static int Width(in Conv2dDims dims) => checked((dims.OW - 1) * dims.StrideW + (dims.KW - 1) * dims.DilationW + 1);

    /// <summary>Rows that the kernels of so many output rows reach.</summary>
    public static int Rows(in Conv2dDims dims, int outputRows) => checked((outputRows - 1) * dims.StrideH + (dims.KH - 1) * dims.DilationH + 1);

    /// <summary>Copies the rows that output rows from <paramref name="oh"/> on read. Overwrites.</summary>
    /// <param name="dims">Geometry.</param>
    /// <param name="image">x [IH, IW, IC].</param>
    /// <param name="oh">The first output row.</param>
    /// <param name="rows">Rows to copy.</param>
    /// <param name="padded">[rows, Width, IC].</param>
    public static void Copy(in Conv2dDims dims, ReadOnlySpan<float> image, int oh, int rows, Span<float> padded)
    {
        int pitch = Width(dims) * dims.IC, line = dims.IW * dims.IC;
        int left = Math.Min(dims.PadLeft * dims.IC, pitch), length = Math.Min(line, pitch - left);
        for (int row = 0; row < rows; row++)
        {
            Span<float> target = padded.Slice(row * pitch, pitch);
            int ih = oh * dims.StrideH - dims.PadTop + row;
            if ((uint)ih >= (uint)dims.IH)
            {
                target.Clear();
                continue;
            }

            target[..left].Clear();
            image.Slice(ih * line, length).CopyTo(target[left..]);
            target[(left + length)..].Clear();
        }
    }
}
