using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>
/// What <see cref="TapsConvolution"/> does, with products in registers (<see cref="PanelProducts"/>) over the pixels of many rows and images at once. A worker takes 64 columns of
/// the result and packs the filters for them itself, so that they come from memory once and go nowhere but to its own cache. Only pixels that a tap reaches are multiplied: at
/// 7x7 with a kernel of 3x3 and padding, 18 of a hundred multiplications would be by zeros.
/// <code>
///                       N = 64 columns      forward:       Y[o]  += X[i]·Wᵀ[tap]
///                     ┌────┐                backward data: dX[i] += dY[o]·W[tap]
///     K ≤ 512 channels│ Wᵀ │ one tap's
///  ┌─────────────────┐├────┤
///  │      X[i]       ││Y[o]│ M = pairs of an input pixel i and an output pixel o that meet through the tap
///  └─────────────────┘└────┘
/// </code>
/// </summary>
internal sealed class TapPanelsConvolution : NhwcMethod
{
    private const int Panel = PanelProducts.Columns;

    // Longer sums would round more. Shorter ones are slower: by 3 % with 256 channels, by 5 with 128.
    private const int MostTerms = 512;

    // Of longer rows, products of a row at a time are as fast and need no copy of the sums.
    private const int LargestImage = 16 * 16;

    private readonly TapPairs _pairs;

    public TapPanelsConvolution(Conv2dDims dims, bool smallKernels)
        : base(dims, smallKernels)
    {
        int forward = new TapPanelsRoles(dims, ConvolutionPass.Forward).Cut(workers: 1).Images, data = new TapPanelsRoles(dims, ConvolutionPass.BackwardData).Cut(workers: 1).Images;
        _pairs = new TapPairs(dims, Math.Max(Math.Max(forward, data), TapPanelsGradient.Images(dims)));
    }

    /// <summary>Why it doesn't take a problem; null if it does.</summary>
    public static string? Refusal(Conv2dDims dims) => dims switch
    {
        { Layout: not Layout.Nhwc } => "x and y aren't NHWC",
        { Groups: > 1 } or { KH: 1, KW: 1 } => "no kernel of more than one element on all channels",
        _ when !PatchProducts.FillsRegisters(dims.IC) || !PatchProducts.FillsRegisters(dims.OC) => "channels that don't fill 32 registers of 512 bits",
        _ => dims.OH * dims.OW > LargestImage ? "large images" : null,
    };

    /// <summary>Whether it takes a problem and is faster for a pass than products of rows.</summary>
    public static bool Serves(Conv2dDims dims, ConvolutionPass pass) =>
        Refusal(dims) is null && (pass != ConvolutionPass.BackwardWeights || !TapPanelsGradient.IsSlower(dims));

    /// <inheritdoc/>
    public override string Describe(ConvolutionPass pass, int workers) => "a product in registers per kernel element";

    /// <inheritdoc/>
    public override ScratchSize Scratch(ConvolutionPass pass, int workers)
    {
        if (pass == ConvolutionPass.BackwardWeights)
            return TapPanelsGradient.Scratch(Dims);
        var roles = new TapPanelsRoles(Dims, pass);
        return new(0, (long)Panel * (roles.Cut(workers).Pixels + Math.Min(MostTerms, roles.Terms) * Dims.KH * Dims.KW));
    }

    /// <summary>Packs filters for many runs. In a run of its own, a worker packs what it multiplies.</summary>
    protected override void PackForward(NhwcPass pass)
    {
        if (!pass.Prepared.IsEmpty)
            FilterPanels.PackForward(pass);
    }

    /// <inheritdoc/>
    protected override void Forward(NhwcPass pass) => Run(pass, ConvolutionPass.Forward);

    /// <summary>As <see cref="PackForward"/>.</summary>
    protected override void PackBackward(NhwcPass pass)
    {
        if (!pass.Prepared.IsEmpty)
            FilterPanels.PackBackward(pass, byElement: true);
    }

    /// <inheritdoc/>
    protected override void BackwardData(NhwcPass pass) => Run(pass, ConvolutionPass.BackwardData);

    /// <summary>Adds the gradients of one pass to dWeights [OC, IC, KH, KW] and dBias [OC] (or empty).</summary>
    public override void BackwardWeights(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dWeights, Span<float> dBias, ComputeContext context) =>
        Run(ConvolutionPass.BackwardWeights, x, dWeights, dBias, dy, context, default, static pass =>
            TapPanelsGradient.Run(pass, ((TapPanelsConvolution)pass.Method)._pairs));

    private static void Run(NhwcPass pass, ConvolutionPass kind)
    {
        pass.Kind = kind;
        var roles = new TapPanelsRoles(pass.Dims, kind);
        pass.Context.Workers.ForChunks(roles.Panels * roles.Cut(pass.Workers).Parts, 1, pass, static (pass, worker, start, end) =>
        {
            for (int item = start; item < end; item++)
                ((TapPanelsConvolution)pass.Method).Multiply(pass, pass.Own(worker), item);
        });
    }

    private void Multiply(NhwcPass pass, Span<float> own, int item)
    {
        var roles = new TapPanelsRoles(Dims, pass.Kind);
        (int part, int panel) = Math.DivRem(item, roles.Panels);
        (int image, int first, int end) = roles.Part(part, pass.Workers);
        ReadOnlySpan<float> source = (roles.IsForward ? pass.X : pass.Y).Span[(image * roles.SourceArea * roles.Terms)..];
        Span<float> sums = own[..((end - first) * Panel)], packed = own[sums.Length..];
        sums.Clear();
        for (int term = 0; term < roles.Terms; term += MostTerms)
        {
            int terms = Math.Min(MostTerms, roles.Terms - term);
            if (pass.Prepared.IsEmpty)
                roles.Pack(pass.Weights.Span, panel, term, terms, packed);
            for (int tap = 0; tap < roles.Taps; tap++)
            {
                TapPairs.Part pairs = roles.IsForward ? _pairs.WithOutputs(tap, first, end) : _pairs.WithInputs(tap, first, end);
                ReadOnlySpan<float> filters = pass.Prepared.IsEmpty ? packed[(tap * Panel)..] : roles.Prepared(pass, panel, term, tap);
                PanelProducts.ListedRows(
                    source[term..], roles.Terms, roles.IsForward ? pairs.Inputs : pairs.Outputs, terms, filters, pass.Prepared.IsEmpty ? roles.Taps * Panel : Panel,
                    sums, roles.IsForward ? pairs.Outputs : pairs.Inputs, first);
            }
        }

        Span<float> result = (roles.IsForward ? pass.Y : pass.X).Span[((image * roles.Area + first) * roles.Columns + panel * Panel)..];
        RowCopy.Run(sums, Panel, result, roles.Columns, end - first, Panel);
        if (roles.IsForward)
            pass.FinishWithBias(result, end - first, panel * Panel, Panel);
    }
}
