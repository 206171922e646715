using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// Convolution as a product of matrices: the rows of K [OC/G, IC/G·KH·KW] are the filters, the columns of X
/// [IC/G·KH·KW, OH·OW] are the patches, and Z = K·X + b; dK = dZ·Xᵀ; dX = col2im(Kᵀ·dZ). X never exists as a whole: a worker
/// lowers some channels of some output rows into a block that stays in its cache, multiplies, and goes on.
/// </summary>
internal sealed class Im2ColConvolution : NchwMethod
{
    // With fewer columns a product is all loads and stores of C, with more there is nothing to win.
    private const int FewestColumns = 64;
    private const int MostColumns = 1024;

    // What a block of y has: rows, or a part of one row if that is long; and of how many channels it is lowered at a time. The gradient by x is made of whole
    // rows, of so many channels.
    private readonly int _rows, _columns, _channels, _rowChannels;

    public Im2ColConvolution(Conv2dDims dims, bool smallKernels, int blockFloats = BlockFloats)
        : this(dims, smallKernels, OutputRows(dims, blockFloats), blockFloats)
    {
    }

    private Im2ColConvolution(Conv2dDims dims, bool smallKernels, int rows, int blockFloats)
        : this(dims, smallKernels, rows, dims.OW <= MostColumns ? dims.OW : (int)Columns(dims, blockFloats), blockFloats)
    {
    }

    private Im2ColConvolution(Conv2dDims dims, bool smallKernels, int rows, int columns, int blockFloats)
        : this(dims, smallKernels, rows, columns, Channels(dims, (long)rows * columns, blockFloats), Channels(dims, (long)rows * dims.OW, blockFloats))
    {
    }

    private Im2ColConvolution(Conv2dDims dims, bool smallKernels, int rows, int columns, int channels, int rowChannels)
        : base(dims, smallKernels, Math.Max((long)columns * channels, (long)dims.OW * rowChannels) * rows * dims.KH * dims.KW, (long)rows * columns)
    {
        (_rows, _columns, _channels, _rowChannels) = (rows, columns, channels, rowChannels);
    }

    /// <summary>Output rows and channels of a block, if rows are not so long that it has a part of one; the last ones of an image may have fewer.</summary>
    public (int Rows, int Channels) BlockSize => (_rows, _channels);

    private int Area => Dims.KH * Dims.KW;

    public override string Describe(ConvolutionPass pass, int workers) =>
        pass == ConvolutionPass.BackwardData ? Describe(Dims.OW, _rowChannels) : Describe(_columns, _channels);

    public override int ForwardBlocks(int workers) => Blocks((long)Dims.N * Dims.Groups, workers);

    // Blocks of a backward-data pass are channels: two blocks of rows would add to the same rows of dx.
    public override int BackwardDataBlocks(int workers) => Parts(Dims.ICPerGroup, Dims.ICPerGroup, (long)Dims.N * Dims.Groups, workers);

    public override int BackwardWeightsBlocks(int workers) => Blocks(Dims.N, workers);

    protected override void Forward(ConvolutionJob job, int worker, int image, int group, int block)
    {
        Conv2dDims d = Dims;
        var (oh0, oh1, ow0, ow1) = Block(job.Blocks, block);
        int pixels = (oh1 - oh0) * (ow1 - ow0), filters = d.OCPerGroup;
        ReadOnlySpan<float> x = InputGroup(job.X.Span, image, group);
        ReadOnlySpan<float> k = job.Weights.Span.Slice(group * filters * Depth, filters * Depth);
        Span<float> z = OutputGroup(job.Y.Span, image, group)[(oh0 * d.OW + ow0)..];
        if (!job.Bias.IsEmpty)
            Bias.Fill(job.Bias.Span.Slice(group * filters, filters), pixels, z, Pixels);
        Span<float> lowered = Lowered(job, worker);
        for (int c = 0; c < d.ICPerGroup; c += _channels)
        {
            int channels = Math.Min(_channels, d.ICPerGroup - c), rows = channels * Area;
            Im2Col.Run(d, x[(c * d.IH * d.IW)..], channels, oh0, oh1, ow0, ow1, lowered);

            //            N = pixels
            //          ┌──────────┐
            //  K = rows│    X     │    Z [OC/G, pixels] = K [OC/G, rows] · X [rows, pixels] + b,
            // ┌───────┐├──────────┤    summed over the channel blocks
            // │   K   ││    Z     │ M = OC/G
            // └───────┘└──────────┘
            Multiply(Transpose.No, filters, pixels, rows, k[(c * Area)..], Depth, lowered, pixels, c == 0 && job.Bias.IsEmpty ? 0 : 1, z, Pixels);
        }

        Finish(job, z, pixels);
    }

    protected override void BackwardData(ConvolutionJob job, int worker, int image, int group, int block)
    {
        Conv2dDims d = Dims;
        var (c0, c1) = Part(d.ICPerGroup, job.Blocks, block);
        int plane = d.IH * d.IW, filters = d.OCPerGroup;
        Span<float> dx = InputGroup(job.X.Span, image, group)[(c0 * plane)..(c1 * plane)];
        ReadOnlySpan<float> k = job.Weights.Span.Slice(group * filters * Depth, filters * Depth);
        ReadOnlySpan<float> dz = OutputGroup(job.Y.Span, image, group);
        Span<float> lowered = Lowered(job, worker);
        dx.Clear();
        for (int oh0 = 0; oh0 < d.OH; oh0 += _rows)
        {
            int oh1 = Math.Min(d.OH, oh0 + _rows), pixels = (oh1 - oh0) * d.OW;
            for (int c = c0; c < c1; c += _rowChannels)
            {
                int channels = Math.Min(_rowChannels, c1 - c), rows = channels * Area;

                //             N = pixels
                //           ┌──────────┐
                //   K = OC/G│    dZ    │    dX [rows, pixels] = Kᵀ [rows, OC/G] · dZ [OC/G, pixels]
                // ┌────────┐├──────────┤
                // │   Kᵀ   ││    dX    │ M = rows
                // └────────┘└──────────┘
                Multiply(Transpose.Yes, rows, pixels, filters, k[(c * Area)..], Depth, dz[(oh0 * d.OW)..], Pixels, 0, lowered, pixels);
                Col2Im.Run(d, lowered, channels, oh0, oh1, dx[((c - c0) * plane)..]);
            }
        }
    }

    protected override void BackwardWeights(ConvolutionJob job, int worker, int image, int group, int block)
    {
        Conv2dDims d = Dims;
        var (oh0, oh1, ow0, ow1) = Block(job.Blocks, block);
        int pixels = (oh1 - oh0) * (ow1 - ow0), filters = d.OCPerGroup;
        ReadOnlySpan<float> x = InputGroup(job.X.Span, image, group);
        ReadOnlySpan<float> dz = OutputGroup(job.Y.Span, image, group)[(oh0 * d.OW + ow0)..];
        Span<float> partial = PartialWeights(job, worker).Slice(group * filters * Depth, filters * Depth);
        Span<float> lowered = Lowered(job, worker), turned = Transposed(job, worker);
        if (!job.Bias.IsEmpty)
            Bias.AddRowSums(dz, Pixels, pixels, PartialBias(job, worker).Slice(group * filters, filters));
        if (TransposesOutputGradient)
            LayoutTransform.Transpose(filters, pixels, dz, Pixels, turned, filters);
        for (int c = 0; c < d.ICPerGroup; c += _channels)
        {
            int channels = Math.Min(_channels, d.ICPerGroup - c);
            Im2Col.Run(d, x[(c * d.IH * d.IW)..], channels, oh0, oh1, ow0, ow1, lowered);
            AddWeightGradient(partial, c * Area, channels * Area, lowered, pixels, pixels, dz, turned);
        }
    }

    private string Describe(int columns, int channels) =>
        $"blocks of {_rows} output rows and {channels} channels: {Area * channels} x {_rows * columns} lowered floats, {Area * channels * _rows * columns * sizeof(float) / 1024.0:0.#} KiB";

    // Of rows or, where one is longer than a block, of parts of a row.
    private int Blocks(long items, int workers)
    {
        int perRow = (Dims.OW + _columns - 1) / _columns;
        return perRow == 1 ? Parts(Dims.OH, _rows, items, workers) : Dims.OH * Parts(Dims.OW, _columns, items * Dims.OH, workers);
    }

    private (int Oh0, int Oh1, int Ow0, int Ow1) Block(int blocks, int block)
    {
        if (_columns == Dims.OW)
        {
            var (oh0, oh1) = Part(Dims.OH, blocks, block);
            return (oh0, oh1, 0, Dims.OW);
        }

        int perRow = blocks / Dims.OH, row = block / perRow;
        var (ow0, ow1) = Part(Dims.OW, perRow, block % perRow);
        return (row, row + 1, ow0, ow1);
    }

    // Pixels of a block of all channels.
    private static long Columns(Conv2dDims d, int blockFloats) => Math.Clamp(blockFloats / ((long)d.ICPerGroup * d.KH * d.KW), FewestColumns, MostColumns);

    private static int OutputRows(Conv2dDims d, int blockFloats) => (int)Math.Clamp(Columns(d, blockFloats) / d.OW, 1, d.OH);

    // Channels that a block of so many pixels is lowered of at a time.
    private static int Channels(Conv2dDims d, long pixels, int blockFloats) => (int)Math.Clamp(blockFloats / ((long)d.KH * d.KW * pixels), 1, d.ICPerGroup);

    private Span<float> InputGroup(Span<float> x, int image, int group)
    {
        int length = Dims.ICPerGroup * Dims.IH * Dims.IW;
        return x.Slice((image * Dims.Groups + group) * length, length);
    }

    private Span<float> OutputGroup(Span<float> y, int image, int group)
    {
        int length = Dims.OCPerGroup * Pixels;
        return y.Slice((image * Dims.Groups + group) * length, length);
    }
}
