using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// What a pass of a Winograd convolution reads and writes. Forward: x is read, y written. Backward by data: dY is read with
/// the weights turned, dX written. Weight gradient: x is read, and dY with it in the place of what is written.
/// </summary>
internal readonly record struct WinogradRoles(
    int Images, int InputHeight, int InputWidth, int InputChannels, int OutputHeight, int OutputWidth, int OutputChannels,
    int PadTop, int PadLeft, bool Backward)
{
    public static WinogradRoles Forward(in Conv2dDims d) =>
        new(d.N, d.IH, d.IW, d.IC, d.OH, d.OW, d.OC, d.PadTop, d.PadLeft, false);

    // Column q of dX gets column q + pad − s of dY through tap s: a convolution with the taps turned and 2 − pad of padding.
    public static WinogradRoles BackwardData(in Conv2dDims d) =>
        new(d.N, d.OH, d.OW, d.OC, d.IH, d.IW, d.IC, 2 - d.PadTop, 2 - d.PadLeft, true);
}

/// <summary>
/// How a pass is cut into blocks that fit the caches, and where the blocks lie in the workspace. All lengths are in floats, also
/// the limit of the workspace: blocks are halved until they keep it, or are too small to cut.
/// Distances of matrices are one line more than their length: distances of a power of two compete for the same lines of the
/// first-level cache, which costs up to a quarter of the speed.
/// </summary>
internal readonly record struct WinogradBlocking
{
    /// <summary>Columns of a panel: the small-matrix kernels compute four vectors of 16 columns at a time.</summary>
    public const int Panel = 64;

    /// <summary>
    /// Channels that one product sums; longer sums are added up from such parts, which takes a third off the rounding error at 512 channels.
    /// </summary>
    public const int ChannelPart = 128;

    /// <summary>Input channels of a block of the weight gradient, at most.</summary>
    public const int GradientRows = 64;

    private const int Line = 16;
    private const int LeastTiles = 16;

    // Measured on Zen 4 and Zen 5; half or twice as many tiles cost up to 5 %. More products per tile, fewer tiles, to fill the same cache.
    private const int BlockedTileProducts = 48 * 36;
    private const int StationaryTiles = 128;
    private const int GradientTileProducts = 192 * 36;

    private const int PrivateTileProducts = 96 * 36;

    // Gradients of all workers beyond this (5 MB a worker) cost more to sum than tiles cost to share.
    private const long PrivateWeights = 1_250_000;

    // Fewer tiles of a worker multiply too few rows with each part of the weights: then workers share panels instead of tiles, if those are transformed.
    private const int FewTiles = 48;

    // Transformed weights beyond this (8 MB) no longer stay in a core's share of the last-level cache from block to block;
    // from there on, transforming them again is as fast for many tiles and faster for few.
    private const long StationaryWeights = 2 * 1024 * 1024;

    // Several workers read the same weights from block to block, while what each transforms anew leaves its second-level cache: 256
    // channels are up to 1.4 times as fast on two threads with all weights transformed before. In a single block nothing is transformed anew.
    private const long SharedStationaryWeights = 3 * 1024 * 1024;

    // With at most so many tiles, the products of a panel and a half part of its weights lie in the second-level cache together (1 MB):
    // 1.2 times as fast at [8,7,7] and 512 channels on two threads. With more tiles, adding up parts costs as much again.
    private const int HalfPartTiles = 64;

    /// <summary>Whether every worker sums a gradient of its own; otherwise a worker has rows of one gradient.</summary>
    public bool PrivateGradient { get; private init; }

    /// <summary>Whether weights are transformed again for every run of tiles instead of being kept transformed.</summary>
    public bool WeightStationary { get; private init; }

    /// <summary>In the weight-stationary form, the channels whose weights are transformed and summed at a time.</summary>
    public int Part { get; private init; }

    /// <summary>Tiles of a block at most; in the weight-stationary form and the weight gradient, of all workers together.</summary>
    public int Tiles { get; private init; }

    /// <summary>Distance of the rows (tiles) of transformed inputs.</summary>
    public int InputRow { get; private init; }

    /// <summary>Distance of the products' matrices of transformed inputs.</summary>
    public int InputStride { get; private init; }

    /// <summary>Distance of the matrices of one panel of products.</summary>
    public int OutputStride { get; private init; }

    /// <summary>Distance of the matrices of one panel of transformed weights.</summary>
    public int WeightStride { get; private init; }

    /// <summary>Workspace that the workers share.</summary>
    public long SharedFloats { get; private init; }

    /// <summary>Workspace of each worker.</summary>
    public long WorkerFloats { get; private init; }

    /// <summary>Panels of a number of channels.</summary>
    public static int Panels(int channels) => (channels + Panel - 1) / Panel;

    /// <summary>All workspace of a pass.</summary>
    public long TotalFloats(int workers) => SharedFloats + workers * WorkerFloats;

    /// <summary>The forward pass, and the backward pass by data.</summary>
    public static WinogradBlocking Convolution(in WinogradRoles roles, int products, int tiles, int workers, long limit)
    {
        long weights = (long)products * Panels(roles.OutputChannels) * (roles.InputChannels * (long)Panel + Line);
        bool again = workers > 1 && tiles > StationaryTiles;
        return weights > Math.Min(again ? SharedStationaryWeights : StationaryWeights, limit / 2)
            ? Stationary(roles, products, tiles, workers, ChannelPart / 2, limit)
            : TileBlocked(roles, products, tiles, workers, weights, limit);
    }

    /// <summary>The forward pass, and the backward pass by data, with weights that were transformed before it.</summary>
    public static WinogradBlocking Prepared(in WinogradRoles roles, int products, int tiles, int workers, long limit)
    {
        int stride = PreparedStride(roles.InputChannels), panels = Panels(roles.OutputChannels);
        return (long)products * panels * stride > StationaryWeights || panels >= workers && tiles < FewTiles * workers
            ? Stationary(roles, products, tiles, workers, ChannelPart, limit)
            : TileBlocked(roles, products, tiles, workers, 0, limit);
    }

    /// <summary>Distance of the matrices of a panel of weights that are transformed once for many passes; the panels lie behind one another.</summary>
    public static int PreparedStride(int inputChannels) => inputChannels * Panel + Line;

    /// <summary>The gradient of the weights.</summary>
    public static WinogradBlocking Gradient(in WinogradRoles roles, int products, int tiles, int workers, long limit)
    {
        if (Private(roles, products, tiles, workers) is { } own && own.TotalFloats(workers) <= limit)
            return own;
        int panels = Panels(roles.OutputChannels);
        int row = Row(roles.InputChannels);
        for (int block = Even(tiles, GradientTileProducts / products); ; block = Math.Max(LeastTiles, block / 2))
        {
            int input = block * row + Line, output = block * Panel + Line, weight = GradientRows * Panel + Line;
            var blocking = new WinogradBlocking
            {
                Tiles = block,
                InputRow = row,
                InputStride = input,
                OutputStride = output,
                WeightStride = weight,
                // Transformed x | transformed dY, panel by panel.
                SharedFloats = (long)products * (input + panels * (long)output),
                // A block of the gradient | zeros, as many as there are channels | sums of dY.
                WorkerFloats = (long)products * weight + Math.Max(roles.InputChannels, Panel) + Line + roles.OutputChannels + Line,
            };
            if (block <= LeastTiles || blocking.TotalFloats(workers) <= limit)
                return blocking;
        }
    }

    // Null where there are too many weights, or too few tiles to pay for as many sums.
    private static WinogradBlocking? Private(in WinogradRoles roles, int products, int tiles, int workers)
    {
        int panels = Panels(roles.OutputChannels), block = PrivateTileProducts / products, row = Row(roles.InputChannels);
        long weight = roles.InputChannels * (long)Panel + Line;
        if (products * panels * weight > PrivateWeights || tiles < 2L * block * workers)
            return null;
        int input = block * row + Line, output = block * Panel + Line;
        return new WinogradBlocking
        {
            PrivateGradient = true,
            Tiles = block,
            InputRow = row,
            InputStride = input,
            OutputStride = output,
            WeightStride = (int)weight,
            WorkerFloats = products * (panels * weight + input + output) + 2L * roles.OutputChannels + Math.Max(roles.InputChannels, Panel),
        };
    }

    internal static WinogradBlocking TileBlocked(in WinogradRoles roles, int products, int tiles, int workers, long weights, long limit)
    {
        int share = (tiles + workers - 1) / workers;
        int row = Row(roles.InputChannels);
        for (int block = Even(share, BlockedTileProducts / products); ; block = Math.Max(LeastTiles, block / 2))
        {
            int input = block * row + Line, output = block * Panel + Line;
            var blocking = new WinogradBlocking
            {
                Tiles = block,
                InputRow = row,
                InputStride = input,
                OutputStride = output,
                WeightStride = PreparedStride(roles.InputChannels),
                // All transformed weights, panel by panel.
                SharedFloats = weights,
                // Room for a matrix | transformed inputs | zeros | a pixel to discard | products of a panel.
                WorkerFloats = (products + 1L) * input + (long)products * output + roles.InputChannels + Panel,
            };
            if (block <= LeastTiles || blocking.TotalFloats(workers) <= limit)
                return blocking;
        }
    }

    // Few tiles take this part of the channels at a time, many a longer one.
    private static WinogradBlocking Stationary(in WinogradRoles roles, int products, int tiles, int workers, int fewTilesPart, long limit)
    {
        int panels = Panels(roles.OutputChannels);
        int row = Row(roles.InputChannels);
        for (int block = Even(tiles, StationaryTiles); ; block = Math.Max(LeastTiles, block / 2))
        {
            // A worker takes a panel's tiles in one run, or its share of all panels' if that is less.
            int run = (int)Math.Min(block, ((long)panels * block + workers - 1) / workers);
            int part = Math.Min(run > HalfPartTiles ? ChannelPart : fewTilesPart, roles.InputChannels);
            int input = block * row + Line, output = run * Panel + Line, weight = part * Panel + Line;
            var blocking = new WinogradBlocking
            {
                WeightStationary = true,
                Part = part,
                Tiles = block,
                InputRow = row,
                InputStride = input,
                OutputStride = output,
                WeightStride = weight,
                // Transformed inputs.
                SharedFloats = (long)products * input,
                // A part of a panel of weights | products of a panel | zeros | a pixel to discard.
                WorkerFloats = (long)products * ((long)weight + output) + roles.InputChannels + Line + Panel,
            };
            if (block <= LeastTiles || blocking.TotalFloats(workers) <= limit)
                return blocking;
        }
    }

    // Rows at a distance of 512 bytes or a multiple compete for the same lines, too: a third of the gradient's speed at 512 channels.
    private static int Row(int channels) => channels % 128 == 0 ? channels + Line : channels;

    // The largest part when total is cut into the fewest parts of about equal size that don't exceed the maximum.
    private static int Even(int total, int maximum)
    {
        int parts = (total + maximum - 1) / maximum;
        return (total + parts - 1) / parts;
    }
}
