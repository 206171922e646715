using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Operators;

/// <summary>What sums what in the forward or the data pass of <see cref="TapPanelsConvolution"/>, and how its result is cut into parts for workers.</summary>
internal readonly struct TapPanelsRoles
{
    private const int Panel = PanelProducts.Columns;

    /// <summary>Result pixels of a part: their sums, 0.4 MB, stay in the second-level cache, and packing the filters takes a twentieth of the time at most.</summary>
    public const int MostPixels = 1600;

    // Fewer would not be worth their filters.
    private const int FewestPixels = 48;

    private readonly Conv2dDims _dims;

    public TapPanelsRoles(Conv2dDims dims, ConvolutionPass pass)
    {
        int inputs = dims.IH * dims.IW, outputs = dims.OH * dims.OW;
        _dims = dims;
        IsForward = pass == ConvolutionPass.Forward;
        (Terms, Columns, SourceArea, Area) = IsForward ? (dims.IC, dims.OC, inputs, outputs) : (dims.OC, dims.IC, outputs, inputs);
    }

    public bool IsForward { get; }

    /// <summary>Channels that are summed.</summary>
    public int Terms { get; }

    /// <summary>Channels of the result.</summary>
    public int Columns { get; }

    /// <summary>Pixels of an image that is multiplied.</summary>
    public int SourceArea { get; }

    /// <summary>Pixels of an image of the result.</summary>
    public int Area { get; }

    public int Taps => _dims.KH * _dims.KW;

    public int Panels => Columns / Panel;

    /// <summary>Parts of about as many pixels: some images each, or an image in some bands.</summary>
    /// <param name="workers">Get as many panels of parts each, where there would be few.</param>
    public (int Parts, int Images, int Bands, int Pixels) Cut(int workers)
    {
        int pixels = _dims.N * Area, parts = (pixels + MostPixels - 1) / MostPixels;
        while (parts * Panels < 2 * workers && parts * Panels % workers != 0 && pixels >= (parts + 1) * FewestPixels)
            parts++;
        int images = Math.Max(1, _dims.N / parts), bands = (parts + _dims.N - 1) / _dims.N;
        return ((_dims.N + images - 1) / images * bands, images, bands, (images * Area + bands - 1) / bands);
    }

    /// <summary>A part: its first image, and which pixels it has, counted from the beginning of that image.</summary>
    public (int Image, int First, int End) Part(int part, int workers)
    {
        (_, int images, int bands, int pixels) = Cut(workers);
        (int group, int band) = Math.DivRem(part, bands);
        int area = Math.Min(images, _dims.N - group * images) * Area;
        return (group * images, Math.Min(area, band * pixels), Math.Min(area, (band + 1) * pixels));
    }

    /// <summary>Packs the filters of a panel for some of the terms: rows in the order (term, tap).</summary>
    public void Pack(ReadOnlySpan<float> weights, int panel, int term, int terms, Span<float> packed)
    {
        if (IsForward)
            WeightPanels.PackFilters(_dims, weights, panel * Panel, Panel, term, terms, packed);
        else
            WeightPanels.PackChannels(_dims, weights, term, terms, panel * Panel, Panel, packed);
    }

    /// <summary>The same of filters that were packed ahead, where rows of a tap lie behind one another.</summary>
    public ReadOnlySpan<float> Prepared(NhwcPass pass, int panel, int term, int tap) => IsForward
        ? FilterPanels.Forward(pass, panel * Panel, Panel)[((tap * Terms + term) * Panel)..]
        : FilterPanels.Backward(pass, 0, 0, tap * Columns + panel * Panel, Panel)[(term * Panel)..];
}
