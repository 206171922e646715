namespace HybridCnn.Kernels;

/// <summary>
/// Where a strip of pixels reads its patches. A patch is some kernel rows of neighbouring floats; patches may overlap, and no
/// padding is left in them. Counted over rows, pixel p reads term t of its patch at Patch(p) + Term(t).
/// </summary>
/// <param name="Rows">Rows of pixels.</param>
/// <param name="Pixels">Pixels of a row.</param>
/// <param name="RowStride">Floats from a row's first patch to the next row's.</param>
/// <param name="PixelStride">Floats from one patch of a row to the next.</param>
/// <param name="KernelRows">Rows of a patch.</param>
/// <param name="KernelRow">Floats of each.</param>
/// <param name="KernelRowStride">Floats from one to the next.</param>
internal readonly record struct PatchStrip(int Rows, int Pixels, int RowStride, int PixelStride, int KernelRows, int KernelRow, int KernelRowStride)
{
    /// <summary>Pixels of Y between the end of a row and the next row's beginning.</summary>
    public int Gap { get; init; }

    /// <summary>Terms of W between two rows of a patch that the patches leave out, as they lie in the padding.</summary>
    public int LeftOut { get; init; }

    /// <summary>Pixels of all rows.</summary>
    public int Count => Rows * Pixels;

    /// <summary>Terms of a patch.</summary>
    public int Depth => KernelRows * KernelRow;

    /// <summary>Floats from the first patch's first to the last patch's last, which count.</summary>
    public long Length => (Rows - 1L) * RowStride + (Pixels - 1L) * PixelStride + (KernelRows - 1L) * KernelRowStride + KernelRow;

    /// <summary>Pixels of Y from the first to the last, those between them included.</summary>
    public int CountWithGaps => Count + (Rows - 1) * Gap;

    /// <summary>Terms of W from the first to the last, those between them included.</summary>
    public int DepthWithLeftOut => Depth + (KernelRows - 1) * LeftOut;

    /// <summary>Where in its patch a term lies.</summary>
    public int Term(int term) => term / KernelRow * KernelRowStride + term % KernelRow;
}
