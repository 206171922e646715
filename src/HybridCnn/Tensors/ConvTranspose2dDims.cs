namespace HybridCnn.Tensors;

/// <summary>
/// The geometry of a transposed convolution, x [N, IC, IH, IW] → y [N, OC, OH, OW] with weights [IC, OC/Groups, KH, KW], as PyTorch's
/// ConvTranspose2d: what one image gives to another by the data gradient of an ordinary convolution (Zeiler, Krishnan, Taylor, Fergus,
/// Deconvolutional Networks, 2010). Holds that convolution, whose x is this y and whose filters are these weights.
/// </summary>
/// <param name="Convolution">The ordinary convolution.</param>
public readonly record struct ConvTranspose2dDims(Conv2dDims Convolution)
{
    /// <summary>Images in the batch.</summary>
    public int N => Convolution.N;

    /// <summary>Input channels, all groups together.</summary>
    public int IC => Convolution.OC;

    /// <summary>Input rows.</summary>
    public int IH => Convolution.OH;

    /// <summary>Input columns.</summary>
    public int IW => Convolution.OW;

    /// <summary>Output channels, all groups together.</summary>
    public int OC => Convolution.IC;

    /// <summary>Output rows.</summary>
    public int OH => Convolution.IH;

    /// <summary>Output columns.</summary>
    public int OW => Convolution.IW;

    /// <summary>Memory order of x and y.</summary>
    public Layout Layout => Convolution.Layout;

    /// <summary>Elements of x.</summary>
    public long XCount => Convolution.YCount;

    /// <summary>Elements of the weights.</summary>
    public long WeightsCount => Convolution.WeightsCount;

    /// <summary>Elements of y.</summary>
    public long YCount => Convolution.XCount;

    /// <summary>
    /// Checks a geometry. OH is (IH − 1)·strideH − padTop − padBottom + (KH − 1)·dilationH + 1 + outputPadH, OW likewise: the pads are
    /// those of the ordinary convolution and cut the output, an output pad leaves rows at the bottom, or columns at the right, uncut,
    /// and where nothing is cut adds some that hold the bias alone.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// A value that is out of range or doesn't fit another one, an output extent below 1, or too many elements or operations. An output
    /// pad may be above its pad by less than the stride: more rows would be outputs of the ordinary convolution that x lacks. (PyTorch asks
    /// instead that it be below the stride or the dilation.)
    /// </exception>
    public static ConvTranspose2dDims Create(
        int n, int ic, int ih, int iw, int oc, int kh, int kw,
        int strideH = 1, int strideW = 1,
        int padTop = 0, int padLeft = 0, int padBottom = 0, int padRight = 0,
        int outputPadH = 0, int outputPadW = 0,
        int dilationH = 1, int dilationW = 1,
        int groups = 1,
        Layout layout = Layout.Nchw)
    {
        Conv2dDims.CheckValues(n, ic, ih, iw, oc, kh, kw, strideH, strideW, padTop, padLeft, padBottom, padRight, dilationH, dilationW, groups, layout);
        Conv2dDims.AtLeast(0, outputPadH, nameof(outputPadH));
        Conv2dDims.AtLeast(0, outputPadW, nameof(outputPadW));

        // What an output pad leaves uncut is a smaller pad; the rest of it is a border that the ordinary convolution's stride leaves over.
        return new(Conv2dDims.Create(
            n, oc,
            OutputExtent(nameof(ih), ih, padTop, padBottom, nameof(outputPadH), outputPadH, kh, dilationH, strideH),
            OutputExtent(nameof(iw), iw, padLeft, padRight, nameof(outputPadW), outputPadW, kw, dilationW, strideW),
            ic, kh, kw, strideH, strideW, padTop, padLeft, Math.Max(padBottom - outputPadH, 0), Math.Max(padRight - outputPadW, 0),
            dilationH, dilationW, groups, layout));
    }

    /// <summary>"transposed" and the ordinary convolution's problem string.</summary>
    public override string ToString() => $"transposed {Convolution}";

    private static int OutputExtent(
        string inputName, int input, int padLow, int padHigh, string outputPadName, int outputPad, int kernel, int dilation, int stride)
    {
        if (outputPad - padHigh >= stride)
            throw new ArgumentException(
                $"{outputPadName} must be less than the pad and the stride together; got {outputPad}, a pad of {padHigh} and a stride of {stride}.", outputPadName);
        // In 64 bits: two products of ints leave room for a few ints.
        long output = (input - 1L) * stride - padLow - padHigh + (kernel - 1L) * dilation + 1 + outputPad;
        return output is >= 1 and <= int.MaxValue
            ? (int)output
            : throw new ArgumentException(
                $"{inputName} = {input} with a stride of {stride}, a kernel of {kernel} with dilation {dilation}, pads of {padLow} and {padHigh} and an output pad of {outputPad} "
                + $"gives an output extent of {output}, which must be between 1 and {int.MaxValue}.", inputName);
    }
}
