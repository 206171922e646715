using System.Runtime.InteropServices;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// The gradient by x of <see cref="FewChannelsConvolution"/>, also in registers: an output row's products with all kernel elements, and rows of dX
/// collected from those of the output rows they meet, the last few of which stay in the second-level cache.
/// <code>
///                  N = KH·KW·IC
///                 ┌──────┐
///          K = OC │  W   │
///        ┌────────┼──────┤
///        │   dY   │ dcol │ M = pixels of some output rows      dX = what dcol's patches hold of each pixel
///        └────────┴──────┘
/// </code>
/// A pixel's sums are those of any division into bands and blocks, so the result does not depend on threads.
/// </summary>
/// <param name="dims">Geometry.</param>
internal readonly struct FewChannelsGradient(Conv2dDims dims)
{
    // Pixels of dY in a block, which stay in the first-level cache from one pair of registers of W to the next.
    private const int BlockPixels = 120;

    // Bands per worker, at least, where an image has that many rows for them: neighbors compute a few output rows twice.
    private const int BandsPerWorker = 4, LeastBand = 32;

    private readonly Conv2dDims _dims = dims;

    private int Depth => _dims.KH * _dims.KW * _dims.IC;

    private int RowFloats => _dims.OW * Depth;

    /// <summary>Output rows of a block.</summary>
    public int BlockRows => Math.Clamp(BlockPixels / _dims.OW, 1, _dims.OH);

    // Output rows that are kept: a row of dX meets so many, the last of them somewhere in a block.
    private int KeptRows => (1 + (Math.Min(((_dims.KH - 1) * _dims.DilationH) / _dims.StrideH, _dims.OH - 1) + BlockRows - 1) / BlockRows) * BlockRows;

    /// <summary>Scratch memory: W by filters, and a worker's dcol with where its rows are read.</summary>
    public ScratchSize Scratch => new(_dims.WeightsCount, ScratchSize.Lines((long)KeptRows * _dims.OW * Depth + PatchRowSums.Behind) + _dims.KH);

    /// <summary>Bands of rows into which images are cut.</summary>
    public int Bands(int workers) => (int)Math.Clamp(((long)BandsPerWorker * workers + _dims.N - 1) / _dims.N, 1, Math.Max(1, _dims.IH / LeastBand));

    /// <summary>dx = the transpose of the forward pass, applied to dy. Overwrites dx.</summary>
    public void Run(NhwcPass pass)
    {
        pass.Context.Workers.ForChunks(_dims.N * Bands(pass.Workers), 1, pass, static (pass, worker, start, end) =>
        {
            var gradient = new FewChannelsGradient(pass.Dims);
            int bands = gradient.Bands(pass.Workers);
            for (int item = start; item < end; item++)
            {
                (int image, int band) = Math.DivRem(item, bands);
                gradient.Band(pass, image, (int)((long)pass.Dims.IH * band / bands), (int)((long)pass.Dims.IH * (band + 1) / bands), pass.Own(worker));
            }
        });
    }

    /// <summary>W [OC, KH, KW, IC].</summary>
    public void Pack(NhwcPass pass)
    {
        for (int filter = 0; filter < _dims.OC; filter++)
            LayoutTransform.Transpose(_dims.IC, _dims.KH * _dims.KW, pass.Weights.Span[(filter * Depth)..], _dims.KH * _dims.KW, pass.Filters[(filter * Depth)..], _dims.IC);
    }

    // Rows [start, end) of an image's dx.
    private void Band(NhwcPass pass, int image, int start, int end, Span<float> own)
    {
        int line = _dims.IW * _dims.IC, kept = KeptRows;
        Span<float> dcol = own[..(kept * RowFloats + PatchRowSums.Behind)];
        Span<int> starts = MemoryMarshal.Cast<float, int>(own[^_dims.KH..]);
        int first = FirstRow(start), next = first;
        for (int ih = start; ih < end; ih++)
        {
            for (int last = Math.Min((ih + _dims.PadTop) / _dims.StrideH, _dims.OH - 1); next <= last; next += BlockRows)
                Multiply(pass, image, next, dcol[((next - first) % kept * RowFloats)..]);
            int count = 0;
            for (int kh = 0; kh < _dims.KH; kh++)
            {
                (int oh, int between) = Math.DivRem(ih + _dims.PadTop - kh * _dims.DilationH, _dims.StrideH);
                if (between == 0 && (uint)oh < (uint)_dims.OH)
                    starts[count++] = (oh - first) % kept * RowFloats + kh * _dims.KW * _dims.IC;
            }

            PatchRowSums.Run(_dims, dcol, starts[..count], pass.X.Span.Slice((image * _dims.IH + ih) * line, line));
        }
    }

    // The first output row that a row of dx meets, or one before it.
    private int FirstRow(int ih) => Math.Max(0, ih + _dims.PadTop - (_dims.KH - 1) * _dims.DilationH) / _dims.StrideH;

    // A block's products, from an output row on.
    private void Multiply(NhwcPass pass, int image, int row, Span<float> dcol)
    {
        int pixels = Math.Min(BlockRows, _dims.OH - row) * _dims.OW, filters = _dims.OC;
        ReadOnlySpan<float> dy = pass.Y.Span.Slice((image * _dims.OH + row) * _dims.OW * filters, pixels * filters);
        if (filters <= PatchProducts.LongestSum)
            PatchProducts.Run(default(IdentityFunction), new PatchStrip(1, pixels, 0, filters, 1, filters, 0), dy, Depth, pass.Filters, [], dcol, Depth);
        else
            pass.Multiply(Transpose.No, pixels, Depth, filters, dy, filters, pass.Filters, Depth, 0, dcol, Depth);
    }
}
