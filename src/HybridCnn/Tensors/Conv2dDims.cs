namespace HybridCnn.Tensors;

/// <summary>
/// The geometry of a two-dimensional convolution: x [N, IC, IH, IW], weights [OC, IC/Groups, KH, KW], y [N, OC, OH, OW].
/// Checked once by <see cref="Create"/> and then trusted by kernels, operators, layers, tests and benchmarks.
/// Parses and prints oneDNN's problem strings (<c>mb8ic64ih56oc64oh56kh3ph1</c>).
/// </summary>
public readonly partial record struct Conv2dDims
{
    /// <summary>Images in the batch.</summary>
    public int N { get; private init; }

    /// <summary>Input channels, all groups together.</summary>
    public int IC { get; private init; }

    /// <summary>Input rows.</summary>
    public int IH { get; private init; }

    /// <summary>Input columns.</summary>
    public int IW { get; private init; }

    /// <summary>Output channels (filters), all groups together.</summary>
    public int OC { get; private init; }

    /// <summary>Output rows: ⌊(IH + PadTop + PadBottom − (KH − 1)·DilationH − 1) / StrideH⌋ + 1.</summary>
    public int OH { get; private init; }

    /// <summary>Output columns, by the same formula.</summary>
    public int OW { get; private init; }

    /// <summary>Kernel rows.</summary>
    public int KH { get; private init; }

    /// <summary>Kernel columns.</summary>
    public int KW { get; private init; }

    /// <summary>Rows from one output to the next.</summary>
    public int StrideH { get; private init; }

    /// <summary>Columns from one output to the next.</summary>
    public int StrideW { get; private init; }

    /// <summary>Rows of zeros above the input.</summary>
    public int PadTop { get; private init; }

    /// <summary>Columns of zeros left of the input.</summary>
    public int PadLeft { get; private init; }

    /// <summary>Rows of zeros below the input.</summary>
    public int PadBottom { get; private init; }

    /// <summary>Columns of zeros right of the input.</summary>
    public int PadRight { get; private init; }

    /// <summary>Rows from one kernel row to the next; 1 = dense.</summary>
    public int DilationH { get; private init; }

    /// <summary>Columns from one kernel column to the next; 1 = dense.</summary>
    public int DilationW { get; private init; }

    /// <summary>Channels are cut into this many groups that don't see each other; IC of them = depthwise.</summary>
    public int Groups { get; private init; }

    /// <summary>Memory order of x and y.</summary>
    public Layout Layout { get; private init; }

    /// <summary>Input channels that one filter sees.</summary>
    public int ICPerGroup => IC / Groups;

    /// <summary>Filters of one group.</summary>
    public int OCPerGroup => OC / Groups;

    /// <summary>Elements of x.</summary>
    public long XCount => (long)N * IC * IH * IW;

    /// <summary>Elements of the weights.</summary>
    public long WeightsCount => (long)OC * ICPerGroup * KH * KW;

    /// <summary>Elements of y.</summary>
    public long YCount => (long)N * OC * OH * OW;

    /// <summary>Additions and multiplications of one direct pass, those with padding included.</summary>
    public long Flops => 2 * YCount * ICPerGroup * KH * KW;

    /// <summary>The same geometry with x and y in another memory order.</summary>
    public Conv2dDims In(Layout layout) => this with { Layout = layout };

    /// <summary>Checks a geometry. Letters as in the field: n images, ic/oc channels, ih/iw input, kh/kw kernel.</summary>
    /// <exception cref="ArgumentException">
    /// A value that is out of range or doesn't fit another one, or more elements or operations than 63 bits count;
    /// the message names the argument and both values.
    /// </exception>
    public static Conv2dDims Create(
        int n, int ic, int ih, int iw, int oc, int kh, int kw,
        int strideH = 1, int strideW = 1,
        int padTop = 0, int padLeft = 0, int padBottom = 0, int padRight = 0,
        int dilationH = 1, int dilationW = 1,
        int groups = 1,
        Layout layout = Layout.Nchw)
    {
        CheckValues(n, ic, ih, iw, oc, kh, kw, strideH, strideW, padTop, padLeft, padBottom, padRight, dilationH, dilationW, groups, layout);
        var dims = new Conv2dDims
        {
            N = n, IC = ic, IH = ih, IW = iw, OC = oc, KH = kh, KW = kw,
            OH = OutputExtent("ih", ih, padTop, padBottom, nameof(kh), kh, dilationH, strideH),
            OW = OutputExtent("iw", iw, padLeft, padRight, nameof(kw), kw, dilationW, strideW),
            StrideH = strideH, StrideW = strideW,
            PadTop = padTop, PadLeft = padLeft, PadBottom = padBottom, PadRight = padRight,
            DilationH = dilationH, DilationW = dilationW, Groups = groups, Layout = layout,
        };
        dims.CheckCounts();
        return dims;
    }

    /// <summary>What must hold of each value, and of groups, before extents can be computed from them.</summary>
    internal static void CheckValues(
        int n, int ic, int ih, int iw, int oc, int kh, int kw, int strideH, int strideW,
        int padTop, int padLeft, int padBottom, int padRight, int dilationH, int dilationW, int groups, Layout layout)
    {
        AtLeast(1, n, nameof(n));
        AtLeast(1, ic, nameof(ic));
        AtLeast(1, ih, nameof(ih));
        AtLeast(1, iw, nameof(iw));
        AtLeast(1, oc, nameof(oc));
        AtLeast(1, kh, nameof(kh));
        AtLeast(1, kw, nameof(kw));
        AtLeast(1, strideH, nameof(strideH));
        AtLeast(1, strideW, nameof(strideW));
        AtLeast(0, padTop, nameof(padTop));
        AtLeast(0, padLeft, nameof(padLeft));
        AtLeast(0, padBottom, nameof(padBottom));
        AtLeast(0, padRight, nameof(padRight));
        AtLeast(1, dilationH, nameof(dilationH));
        AtLeast(1, dilationW, nameof(dilationW));
        AtLeast(1, groups, nameof(groups));
        if (ic % groups != 0)
            throw new ArgumentException($"groups must divide ic; got groups = {groups}, ic = {ic}.", nameof(groups));
        if (oc % groups != 0)
            throw new ArgumentException($"groups must divide oc; got groups = {groups}, oc = {oc}.", nameof(groups));
        if (layout is not (Layout.Nchw or Layout.Nhwc))
            throw new ArgumentException($"layout must be Nchw or Nhwc; got {layout}.", nameof(layout));
    }

    internal static void AtLeast(int minimum, int value, string name)
    {
        if (value < minimum)
            throw new ArgumentException($"{name} must be at least {minimum}; got {value}.", name);
    }

    private static int OutputExtent(string inputName, int input, int padLow, int padHigh, string kernelName, int kernel, int dilation, int stride)
    {
        // In 64 bits: three ints cannot overflow a sum, two cannot overflow a product.
        long padded = (long)input + padLow + padHigh;
        long extent = (long)(kernel - 1) * dilation + 1;
        if (extent > padded)
            throw new ArgumentException(
                $"{kernelName} = {kernel} with dilation {dilation} spans {extent} elements, more than the padded {inputName} = {input} + {padLow} + {padHigh} = {padded}.",
                kernelName);
        long output = (padded - extent) / stride + 1;
        return output <= int.MaxValue
            ? (int)output
            : throw new ArgumentException($"{inputName} = {input} + {padLow} + {padHigh} gives an output extent of {output}, more than {int.MaxValue}.", inputName);
    }

    private void CheckCounts()
    {
        try
        {
            checked
            {
                _ = (long)N * IC * IH * IW;
                // At least the elements of y and of the weights.
                _ = 2L * N * OC * OH * OW * ICPerGroup * KH * KW;
            }
        }
        catch (OverflowException e)
        {
            throw new ArgumentException($"x [{N}, {IC}, {IH}, {IW}] to y [{N}, {OC}, {OH}, {OW}] with kernel {KH}x{KW} is too large: more than {long.MaxValue} elements or operations.", "n", e);
        }
    }
}
