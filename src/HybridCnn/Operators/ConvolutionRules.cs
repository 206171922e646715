using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>What was chosen for a pass, and what was said of the algorithms before it.</summary>
internal sealed record ConvolutionChoice(ConvolutionAlgorithm Algorithm, ConvolutionMethod Method, IReadOnlyList<string> Reasons)
{
    /// <summary>Why the general algorithm serves where a faster one could (<see cref="ConvolutionFallbacks"/>); null if it is no such pass.</summary>
    public string? Fallback { get; init; }

    /// <summary>Whether the caller or the environment named the algorithm, so that nobody may choose another one.</summary>
    public bool IsAskedFor { get; init; }
}

/// <summary>
/// The ordered list of algorithms: for each pass the first one that takes the problem, keeps to the precision and the workspace
/// and isn't known to be slower than a later one. The measurements behind "slower" are those of benchmarks/results.
/// </summary>
internal static class ConvolutionRules
{
    /// <summary>The environment variable that asks for an algorithm, by name, wherever it serves.</summary>
    public const string EnvironmentVariable = "HYBRIDCNN_CONV_ALGO";

    // NHWC serves channels that fill vectors.
    private const int VectorChannels = 16;

    // A tap multiplies one row of pixels at a time: of short ones too few to fill the kernels.
    private const int ShortRow = 14;

    // Below so many filters, FewChannels' gradient by x is no faster than others.
    private const int SomeFilters = 32;

    // FewChannels writes y in sweeps; more than one pays where a patch is long enough to hide it.
    private const int LongPatch = 128;

    // Lowering costs as much as multiplying by so many filters.
    private const int FewFilters = 24;

    // 144 bytes of transformed weights at 25 GB/s take as long as 18 operations for each of some 100 pixels; those that stay in a core's cache (2 MB) take less.
    private const int FewPixels = 96, FewPixelsOfPanels = 128;

    // The same where each pass transforms them anew: 49 pixels of 512 channels take as long by products in registers on one thread, and half as long on two.
    private const int FewestPixels = 64;

    private const long ManyWeights = 512 * 1024;

    /// <summary>All algorithms, the more special ones first.</summary>
    public static readonly IReadOnlyList<ConvolutionAlgorithm> Order =
    [
        ConvolutionAlgorithm.Pointwise, ConvolutionAlgorithm.Depthwise, ConvolutionAlgorithm.Direct, ConvolutionAlgorithm.WinogradF4,
        ConvolutionAlgorithm.WinogradF2, ConvolutionAlgorithm.Taps, ConvolutionAlgorithm.FewChannels, ConvolutionAlgorithm.Im2Col,
    ];

    /// <summary>Chooses for one pass.</summary>
    /// <exception cref="ArgumentException">A forced algorithm does not take the problem.</exception>
    /// <exception cref="InvalidOperationException">The environment variable names no algorithm.</exception>
    public static ConvolutionChoice Choose(Conv2dDims dims, ConvolutionPass pass, ConvolutionAlgorithm algorithm, ComputeOptions options, bool smallKernels)
    {
        List<string> reasons = [];
        if (algorithm != ConvolutionAlgorithm.Automatic)
        {
            if (!Order.Contains(algorithm))
                throw new ArgumentException($"Expected an algorithm by name; got {algorithm}.", nameof(algorithm));
            if (Impossible(algorithm, dims) is { } reason)
                throw new ArgumentException($"{algorithm} does not take {dims}: {reason}.", nameof(algorithm));
            return new(algorithm, Create(algorithm, dims, pass, options, smallKernels), ["asked for"]) { IsAskedFor = true };
        }

        if (FromEnvironment(Environment.GetEnvironmentVariable(EnvironmentVariable)) is { } wished)
        {
            if (Impossible(wished, dims) is not { } reason)
                return new(wished, Create(wished, dims, pass, options, smallKernels), [$"asked for by {EnvironmentVariable}"]) { IsAskedFor = true };
            reasons.Add($"{wished}, asked for by {EnvironmentVariable}: {reason}");
        }

        string? tooLarge = null;
        foreach (ConvolutionAlgorithm candidate in Order)
        {
            if ((Impossible(candidate, dims) ?? TooCoarse(candidate, options.Precision) ?? Slower(candidate, dims, pass, smallKernels)) is { } reason)
            {
                reasons.Add($"{candidate}: {reason}");
                continue;
            }

            ConvolutionMethod method = Create(candidate, dims, pass, options, smallKernels);
            if (candidate == ConvolutionAlgorithm.Im2Col)
                return new(candidate, method, reasons) { Fallback = tooLarge ?? Fallback(dims, pass, options, smallKernels) };
            if (TooLarge(method, pass, options) is not { } size)
                return new(candidate, method, reasons);
            reasons.Add($"{candidate}: {size}");
            tooLarge ??= reasons[^1];
        }

        throw new InvalidOperationException("The last algorithm of the list takes every problem.");
    }

    /// <summary>
    /// A pass, forward or by data, with weights that are prepared once: the choice of the ordinary one, but for few pixels behind many weights. There Winograd's transformed
    /// weights, four times as many as the filters, take longer to read from memory than the filters take to be multiplied.
    /// </summary>
    public static ConvolutionChoice ForPrepared(ConvolutionChoice choice, Conv2dDims dims, ConvolutionPass pass, ComputeOptions options, bool smallKernels)
    {
        bool inPanels = TapPanelsConvolution.Serves(dims, pass);
        if (choice.IsAskedFor || choice.Algorithm is not (ConvolutionAlgorithm.WinogradF4 or ConvolutionAlgorithm.WinogradF2)
            || Pixels(dims) > (inPanels ? FewPixelsOfPanels : FewPixels) || choice.Method.PreparedFloats(pass) <= ManyWeights)
        {
            return choice;
        }

        ConvolutionAlgorithm algorithm = inPanels ? ConvolutionAlgorithm.Taps : ConvolutionAlgorithm.Im2Col;
        return new(algorithm, Create(algorithm, dims, pass, options, smallKernels), []);
    }

    /// <summary>Why an algorithm may not serve a pass, however fast it is; null if it may.</summary>
    public static string? Refusal(ConvolutionAlgorithm algorithm, Conv2dDims dims, ConvolutionPass pass, ComputeOptions options, bool smallKernels) =>
        Impossible(algorithm, dims) ?? TooCoarse(algorithm, options.Precision)
        ?? (algorithm == ConvolutionAlgorithm.Im2Col ? null : TooLarge(Create(algorithm, dims, pass, options, smallKernels), pass, options));

    internal static ConvolutionAlgorithm? FromEnvironment(string? text) => string.IsNullOrEmpty(text)
        ? null
        : Enum.TryParse(text, ignoreCase: true, out ConvolutionAlgorithm algorithm) && Enum.IsDefined(algorithm) && !char.IsAsciiDigit(text[0])
            ? algorithm == ConvolutionAlgorithm.Automatic ? null : algorithm
            : throw new InvalidOperationException($"{EnvironmentVariable}={text}: expected one of {string.Join(", ", Enum.GetNames<ConvolutionAlgorithm>())}.");

    /// <summary>Why an algorithm cannot compute a problem; null if it can.</summary>
    internal static string? Impossible(ConvolutionAlgorithm algorithm, Conv2dDims dims)
    {
        bool nhwc = dims.Layout == Layout.Nhwc;
        return algorithm switch
        {
            ConvolutionAlgorithm.Pointwise => nhwc ? PointwiseNhwcConvolution.Refusal(dims) : PointwiseConvolution.Refusal(dims),
            ConvolutionAlgorithm.Depthwise => DepthwiseNhwcConvolution.Refusal(dims),
            ConvolutionAlgorithm.Direct => DirectConvolution.Refusal(dims),
            ConvolutionAlgorithm.WinogradF4 or ConvolutionAlgorithm.WinogradF2 => WinogradConvolution.Refusal(dims),
            ConvolutionAlgorithm.Taps => TapsConvolution.Refusal(dims),
            ConvolutionAlgorithm.FewChannels => FewChannelsConvolution.Refusal(dims),
            _ => null,
        };
    }

    private static string? TooCoarse(ConvolutionAlgorithm algorithm, Precision precision) => algorithm switch
    {
        ConvolutionAlgorithm.WinogradF4 when precision != Precision.Fast => $"rounds more than {precision} allows",
        ConvolutionAlgorithm.WinogradF2 when precision == Precision.Exact => "rounds more than Exact allows",
        _ => null,
    };

    private static string? TooLarge(ConvolutionMethod method, ConvolutionPass pass, ComputeOptions options) =>
        method.Scratch(pass, options.Shares).Bytes(options.Shares) is var bytes && bytes > options.WorkspaceLimit
            ? $"needs a workspace of {bytes} bytes, the limit is {options.WorkspaceLimit}"
            : null;

    // Why an algorithm that could is passed over.
    private static string? Slower(ConvolutionAlgorithm algorithm, Conv2dDims dims, ConvolutionPass pass, bool smallKernels) =>
        algorithm switch
        {
            ConvolutionAlgorithm.Direct when dims.Groups == 1 && pass != ConvolutionPass.Forward => "slower for gradients than products of matrices where all channels are one group",
            ConvolutionAlgorithm.Direct when dims.Groups == 1 && (dims.Layout == Layout.Nhwc || dims.StrideH > 1 || dims.StrideW > 1 || dims.IC >= VectorChannels || dims.OC > FewFilters) =>
                $"slower than products of matrices where all channels are one group, but for NCHW, unit strides, less than {VectorChannels} channels and at most {FewFilters} filters",
            ConvolutionAlgorithm.WinogradF4 or ConvolutionAlgorithm.WinogradF2 when dims.IC < 16 || dims.OC < 16 =>
                $"slower below 16 channels, these are {dims.IC} and {dims.OC}",
            ConvolutionAlgorithm.WinogradF4 or ConvolutionAlgorithm.WinogradF2 when pass != ConvolutionPass.BackwardWeights && Pixels(dims) <= FewestPixels
                && TapPanelsConvolution.Serves(dims, pass) => $"transforming the filters takes longer than multiplying {Pixels(dims)} pixels by them as they are",
            ConvolutionAlgorithm.Taps when TapPanelsConvolution.Serves(dims, pass) => null,
            ConvolutionAlgorithm.Taps when !smallKernels && !TapRowsConvolution.Serves(dims, pass) => "slower without OpenBLAS's small-matrix kernels",
            ConvolutionAlgorithm.Taps when dims.KH * dims.KW == 1 => "no faster for a kernel of one element",
            ConvolutionAlgorithm.Taps when dims.StrideW > 1 && dims.OW < ShortRow =>
                $"slower for strided rows of less than {ShortRow} pixels, these have {dims.OW}",
            ConvolutionAlgorithm.Taps when dims.ICPerGroup < 64 && dims.OW < ShortRow =>
                $"slower below 64 channels for rows of less than {ShortRow} pixels, these are {dims.ICPerGroup} and {dims.OW}",
            ConvolutionAlgorithm.Taps when dims.ICPerGroup < 16 => $"slower below 16 channels a group, these have {dims.ICPerGroup}",
            ConvolutionAlgorithm.FewChannels when dims.OC < VectorChannels => $"slower below {VectorChannels} filters, these are {dims.OC}",
            ConvolutionAlgorithm.FewChannels when pass == ConvolutionPass.BackwardData && (dims.StrideW > 2 || dims.OC < SomeFilters) =>
                $"no faster for the gradient by x at strides above 2 or below {SomeFilters} filters, these are {dims.StrideW} and {dims.OC}",
            ConvolutionAlgorithm.FewChannels when pass == ConvolutionPass.Forward && dims.OC > PatchProducts.Sweep(dims.OC) && dims.IC * dims.KH * dims.KW < LongPatch =>
                $"slower over several sweeps of y for patches of less than {LongPatch} elements, these have {dims.IC * dims.KH * dims.KW}",
            _ => null,
        };

    private static long Pixels(in Conv2dDims dims) => (long)dims.N * dims.OH * dims.OW;

    // What makes the general algorithm serve, short of the limit of the workspace. Where it is the fastest, nothing does.
    private static string? Fallback(Conv2dDims dims, ConvolutionPass pass, ComputeOptions options, bool smallKernels)
    {
        if (!smallKernels && Impossible(ConvolutionAlgorithm.Taps, dims) is null && Slower(ConvolutionAlgorithm.Taps, dims, pass, smallKernels: true) is null)
            return "Taps would serve with OpenBLAS's small-matrix kernels, which the kernels in use don't have";
        if (dims.Groups > 1)
            return $"no other algorithm is as fast for {dims.Groups} groups of {dims.ICPerGroup} channels and {dims.OCPerGroup} filters";
        return dims.Layout == Layout.Nchw && dims.IC % VectorChannels == 0 && dims.OC % VectorChannels == 0
            && Choose(dims.In(Layout.Nhwc), pass, ConvolutionAlgorithm.Automatic, options, smallKernels).Algorithm is not ConvolutionAlgorithm.Im2Col and var other
            ? $"x and y are NCHW; {other} would serve if they were NHWC"
            : null;
    }

    private static ConvolutionMethod Create(ConvolutionAlgorithm algorithm, Conv2dDims dims, ConvolutionPass pass, ComputeOptions options, bool smallKernels)
    {
        bool nhwc = dims.Layout == Layout.Nhwc;
        return algorithm switch
        {
            ConvolutionAlgorithm.Pointwise => nhwc ? new PointwiseNhwcConvolution(dims, smallKernels) : new PointwiseConvolution(dims, smallKernels),
            ConvolutionAlgorithm.Depthwise => new DepthwiseNhwcConvolution(dims),
            ConvolutionAlgorithm.Direct => new DirectConvolution(dims),
            ConvolutionAlgorithm.WinogradF4 => new WinogradConvolution(dims, 4, options.WorkspaceLimit, smallKernels),
            ConvolutionAlgorithm.WinogradF2 => new WinogradConvolution(dims, 2, options.WorkspaceLimit, smallKernels),
            ConvolutionAlgorithm.Taps when TapPanelsConvolution.Serves(dims, pass) => new TapPanelsConvolution(dims, smallKernels),
            ConvolutionAlgorithm.Taps => TapRowsConvolution.Serves(dims, pass) ? new TapRowsConvolution(dims, smallKernels) : new TapsConvolution(dims, smallKernels),
            ConvolutionAlgorithm.FewChannels => new FewChannelsConvolution(dims, smallKernels),
            _ => nhwc ? new NhwcIm2ColConvolution(dims, smallKernels) : new Im2ColConvolution(dims, smallKernels),
        };
    }
}
