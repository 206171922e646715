using HybridCnn.Tensors;

namespace HybridCnn.Tests.Tensors;

public class ConvTranspose2dDimsTests
{
    [Fact]
    public void Exchanges_the_roles_of_the_ordinary_convolution()
    {
        var dims = ConvTranspose2dDims.Create(
            n: 2, ic: 6, ih: 5, iw: 7, oc: 4, kh: 3, kw: 2, strideH: 2, strideW: 3, padTop: 1, padRight: 2, outputPadH: 1, dilationH: 2, groups: 2, layout: Layout.Nhwc);
        Assert.Equal((2, 6, 5, 7, 4, 13, 18), (dims.N, dims.IC, dims.IH, dims.IW, dims.OC, dims.OH, dims.OW));
        Assert.Equal((2L * 6 * 5 * 7, 6L * 2 * 3 * 2, 2L * 4 * 13 * 18), (dims.XCount, dims.WeightsCount, dims.YCount));
        Assert.Equal(Conv2dDims.Create(2, 4, 13, 18, 6, 3, 2, 2, 3, 1, 0, 0, 2, 2, 1, 2, Layout.Nhwc), dims.Convolution);
        Assert.Equal(Layout.Nhwc, dims.Layout);
        Assert.Equal($"transposed {dims.Convolution}", dims.ToString());
    }

    // Extents that PyTorch gives.
    [Theory]
    [InlineData(5, 3, 1, 0, 0, 1, 7)]
    [InlineData(5, 3, 2, 1, 0, 1, 9)]
    [InlineData(5, 3, 2, 1, 1, 1, 10)]
    [InlineData(4, 2, 3, 1, 2, 1, 11)]
    [InlineData(4, 1, 2, 0, 1, 1, 8)]
    [InlineData(5, 3, 1, 0, 0, 2, 9)]
    [InlineData(5, 3, 1, 2, 1, 2, 6)]
    [InlineData(1, 4, 1, 0, 0, 1, 4)]
    public void Gives_the_output_extent_and_gets_the_input_back(int input, int kernel, int stride, int pad, int outputPad, int dilation, int output)
    {
        var dims = ConvTranspose2dDims.Create(1, 1, input, input, 1, kernel, kernel, stride, stride, pad, pad, pad, pad, outputPad, outputPad, dilation, dilation);
        Assert.Equal((output, output), (dims.OH, dims.OW));
        Assert.Equal((input, input), (dims.IH, dims.IW));
    }

    public static TheoryData<Func<ConvTranspose2dDims>, string, string> Refusals => new()
    {
        { () => Small(n: 0), "n", "n must be at least 1; got 0." },
        { () => Small(ic: 0), "ic", "ic must be at least 1; got 0." },
        { () => Small(oc: -1), "oc", "oc must be at least 1; got -1." },
        { () => Small(ih: 0), "ih", "ih must be at least 1; got 0." },
        { () => Small(kernel: 0), "kh", "kh must be at least 1; got 0." },
        { () => Small(stride: 0), "strideH", "strideH must be at least 1; got 0." },
        { () => Small(padBottom: -1), "padBottom", "padBottom must be at least 0; got -1." },
        { () => Small(outputPadH: -1), "outputPadH", "outputPadH must be at least 0; got -1." },
        { () => Small(outputPadW: -2), "outputPadW", "outputPadW must be at least 0; got -2." },
        { () => Small(groups: 3), "groups", "groups must divide ic; got groups = 3, ic = 4." },
        { () => Small(ic: 6, groups: 3), "groups", "groups must divide oc; got groups = 3, oc = 4." },
        { () => Small(layout: (Layout)7), "layout", "layout must be Nchw or Nhwc; got 7." },
        { () => Small(stride: 2, outputPadH: 2), "outputPadH", "outputPadH must be less than the pad and the stride together; got 2, a pad of 0 and a stride of 2." },
        { () => Small(outputPadW: 1), "outputPadW", "outputPadW must be less than the pad and the stride together; got 1, a pad of 0 and a stride of 1." },
        { () => Small(padBottom: 1, outputPadH: 2), "outputPadH", "outputPadH must be less than the pad and the stride together; got 2, a pad of 1 and a stride of 1." },
        { () => Small(ih: 2, padBottom: 4), "ih", "ih = 2 with a stride of 1, a kernel of 3 with dilation 1, pads of 0 and 4 and an output pad of 0 gives an output extent of 0, which must be between 1 and 2147483647." },
        { () => Small(ih: int.MaxValue, stride: int.MaxValue), "ih", "ih = 2147483647 with a stride of 2147483647" },
        { () => Small(ih: 1 << 30, ic: 1 << 30, n: 1 << 30), "n", "x [1073741824, 4, 1073741826, 7]" },
    };

    [Theory]
    [MemberData(nameof(Refusals), DisableDiscoveryEnumeration = true)]
    public void Refuses_what_no_transposed_convolution_can_be(Func<ConvTranspose2dDims> create, string argument, string message)
    {
        var exception = Assert.Throws<ArgumentException>(() => create());
        Assert.Equal(argument, exception.ParamName);
        Assert.StartsWith(message, exception.Message);
    }

    private static ConvTranspose2dDims Small(
        int n = 2, int ic = 4, int ih = 5, int oc = 4, int kernel = 3, int stride = 1, int padBottom = 0, int outputPadH = 0, int outputPadW = 0,
        int groups = 1, Layout layout = Layout.Nchw) =>
        ConvTranspose2dDims.Create(
            n, ic, ih, 5, oc, kernel, kernel, stride, stride, padBottom: padBottom, outputPadH: outputPadH, outputPadW: outputPadW, groups: groups, layout: layout);
}
