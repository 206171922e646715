namespace HybridCnn.Tensors;

/// <summary>
/// The geometry of one pooling over a batch of images, checked when it is made and then trusted by kernels, operators and
/// layers. x [N, C, IH, IW] → y [N, C, OH, OW].
/// </summary>
/// <remarks>
/// OH = floor((IH + PadTop + PadBottom - DilationH * (KH - 1) - 1) / StrideH) + 1, and OW alike. <see cref="CeilMode"/> rounds
/// up instead, but, as in PyTorch, drops a last window that would start in the padding after the input; it has no other effect.
/// A pad is at most half of the dilated kernel, also PyTorch's rule.
/// </remarks>
public readonly partial record struct Pool2dDims
{
    /// <summary>Images.</summary>
    public int N { get; private init; }

    /// <summary>Channels; each is pooled alone.</summary>
    public int C { get; private init; }

    /// <summary>Input height.</summary>
    public int IH { get; private init; }

    /// <summary>Input width.</summary>
    public int IW { get; private init; }

    /// <summary>Output height.</summary>
    public int OH { get; private init; }

    /// <summary>Output width.</summary>
    public int OW { get; private init; }

    /// <summary>Kernel height, in taps.</summary>
    public int KH { get; private init; }

    /// <summary>Kernel width, in taps.</summary>
    public int KW { get; private init; }

    /// <summary>Rows between neighboring windows.</summary>
    public int StrideH { get; private init; }

    /// <summary>Columns between neighboring windows.</summary>
    public int StrideW { get; private init; }

    /// <summary>Rows added above.</summary>
    public int PadTop { get; private init; }

    /// <summary>Columns added on the left.</summary>
    public int PadLeft { get; private init; }

    /// <summary>Rows added below.</summary>
    public int PadBottom { get; private init; }

    /// <summary>Columns added on the right.</summary>
    public int PadRight { get; private init; }

    /// <summary>Rows from tap to tap; 1 = dense.</summary>
    public int DilationH { get; private init; }

    /// <summary>Columns from tap to tap; 1 = dense.</summary>
    public int DilationW { get; private init; }

    /// <summary>Whether OH and OW were rounded up.</summary>
    public bool CeilMode { get; private init; }

    /// <summary>Memory order of x and y.</summary>
    public Layout Layout { get; private init; }

    /// <summary>[N, C, IH, IW].</summary>
    public Shape Input => new Shape(N, C, IH, IW).In(Layout);

    /// <summary>[N, C, OH, OW].</summary>
    public Shape Output => new Shape(N, C, OH, OW).In(Layout);

    /// <summary>Checks a geometry and works out its output.</summary>
    /// <exception cref="ArgumentException">
    /// An extent, stride or dilation below 1, a negative pad or one above half the dilated kernel, a kernel larger than the
    /// padded input, a window without any input, or a tensor beyond <see cref="Array.MaxLength"/> elements.
    /// </exception>
    public static Pool2dDims Create(
        int n, int c, int ih, int iw, int kh, int kw, int strideH = 1, int strideW = 1,
        int padTop = 0, int padLeft = 0, int padBottom = 0, int padRight = 0,
        int dilationH = 1, int dilationW = 1, bool ceilMode = false, Layout layout = Layout.Nchw)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(c, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ih, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(iw, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kh, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kw, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(strideH, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(strideW, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(padTop);
        ArgumentOutOfRangeException.ThrowIfNegative(padLeft);
        ArgumentOutOfRangeException.ThrowIfNegative(padBottom);
        ArgumentOutOfRangeException.ThrowIfNegative(padRight);
        ArgumentOutOfRangeException.ThrowIfLessThan(dilationH, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dilationW, 1);
        if (layout is not (Layout.Nchw or Layout.Nhwc))
            throw new ArgumentOutOfRangeException(nameof(layout), layout, "No such layout.");

        // A shape throws if no tensor can have it.
        _ = new Shape(n, c, ih, iw);
        int oh = OutputExtent("height", ih, kh, strideH, padTop, nameof(padTop), padBottom, nameof(padBottom), dilationH, nameof(kh), ceilMode);
        int ow = OutputExtent("width", iw, kw, strideW, padLeft, nameof(padLeft), padRight, nameof(padRight), dilationW, nameof(kw), ceilMode);
        _ = new Shape(n, c, oh, ow);
        return new Pool2dDims
        {
            N = n, C = c, IH = ih, IW = iw, OH = oh, OW = ow, KH = kh, KW = kw, StrideH = strideH, StrideW = strideW,
            PadTop = padTop, PadLeft = padLeft, PadBottom = padBottom, PadRight = padRight,
            DilationH = dilationH, DilationW = dilationW, CeilMode = ceilMode, Layout = layout,
        };
    }

    /// <summary>The rows that output row <paramref name="oh"/> covers.</summary>
    internal PoolWindow Rows(int oh) => PoolWindow.At(oh, IH, KH, StrideH, PadTop, PadBottom, DilationH);

    /// <summary>The columns that output column <paramref name="ow"/> covers.</summary>
    internal PoolWindow Columns(int ow) => PoolWindow.At(ow, IW, KW, StrideW, PadLeft, PadRight, DilationW);

    /// <summary>
    /// How many windows from output column <paramref name="ow"/> on lie inside the input as a whole, so that one differs from the next by its
    /// start alone; 1 where that one doesn't.
    /// </summary>
    internal int WholeColumnsFrom(int ow)
    {
        long lastStart = IW - 1 - (KW - 1L) * DilationW, start = (long)ow * StrideW - PadLeft;
        return start < 0 || start > lastStart ? 1 : (int)Math.Min(OW - ow, (lastStart - start) / StrideW + 1);
    }

    /// <summary>The output row whose windows read input row <paramref name="ih"/> by their row of taps <paramref name="kh"/>; -1 if there is none.</summary>
    internal int OutputRow(int ih, int kh)
    {
        int top = ih + PadTop - kh * DilationH;
        return top >= 0 && top % StrideH == 0 && top / StrideH < OH ? top / StrideH : -1;
    }

    /// <summary>
    /// Whether every window is a 2x2 block of its own inside the input: what the vector kernels take. Odd extents leave a row
    /// or a column that no window covers.
    /// </summary>
    internal bool IsTwoByTwoTiles =>
        KH == 2 && KW == 2 && StrideH == 2 && StrideW == 2 && PadTop == 0 && PadLeft == 0 && DilationH == 1 && DilationW == 1
        && 2 * (long)OH <= IH && 2 * (long)OW <= IW;

    /// <summary>Whether there is one window, and it is the whole input: what global pooling is.</summary>
    internal bool IsOneWindow =>
        OH == 1 && OW == 1 && KH == IH && KW == IW && PadTop == 0 && PadLeft == 0 && (DilationH == 1 || KH == 1) && (DilationW == 1 || KW == 1);

    private static int OutputExtent(
        string axis, int extent, int kernel, int stride, int padBefore, string padBeforeName, int padAfter, string padAfterName,
        int dilation, string kernelName, bool ceilMode)
    {
        long reach = (long)dilation * (kernel - 1) + 1;
        if (padBefore > reach / 2)
            throw new ArgumentException($"A pad is at most half of the dilated kernel's {axis}, {reach} / 2; got {padBefore}.", padBeforeName);
        if (padAfter > reach / 2)
            throw new ArgumentException($"A pad is at most half of the dilated kernel's {axis}, {reach} / 2; got {padAfter}.", padAfterName);
        long span = (long)extent + padBefore + padAfter - reach;
        if (span < 0)
            throw new ArgumentException(
                $"The dilated kernel's {axis} is {reach}, larger than the padded input's, {extent} + {padBefore} + {padAfter}.", kernelName);

        long outputs = (ceilMode ? (span + stride - 1) / stride : span / stride) + 1;
        if ((outputs - 1) * stride >= (long)extent + padBefore)
            outputs--;
        if (outputs > Array.MaxLength)
            throw new ArgumentException($"The output's {axis} would be {outputs}.", kernelName);

        // A sparse kernel can step over a small input: a window of padding alone has no maximum.
        for (int output = 0; extent < dilation && output < outputs && (long)output * stride < padBefore; output++)
        {
            PoolWindow window = PoolWindow.At(output, extent, kernel, stride, padBefore, padAfter, dilation);
            if (window.First >= window.End)
                throw new ArgumentException(
                    $"Window {output} along the {axis} sees padding alone: kernel {kernel}, dilation {dilation}, pad {padBefore}, input {extent}.", kernelName);
        }

        return (int)outputs;
    }
}
