using HybridCnn.Tensors;

namespace HybridCnn.Tests.Tensors;

public class Conv2dDimsTests
{
    [Fact]
    public void Knows_what_follows_from_its_values()
    {
        var dims = Conv2dDims.Create(n: 2, ic: 6, ih: 10, iw: 12, oc: 4, kh: 3, kw: 2, strideH: 2, strideW: 3, padTop: 1, padRight: 2, dilationH: 2, groups: 2);
        Assert.Equal((4, 5), (dims.OH, dims.OW));
        Assert.Equal((3, 2), (dims.ICPerGroup, dims.OCPerGroup));
        Assert.Equal((2L * 6 * 10 * 12, 4L * 3 * 3 * 2, 2L * 4 * 4 * 5), (dims.XCount, dims.WeightsCount, dims.YCount));
        Assert.Equal(2L * dims.YCount * 3 * 3 * 2, dims.Flops);
        Assert.Equal(Layout.Nchw, dims.Layout);
    }

    [Fact]
    public void Counts_beyond_32_bits()
    {
        var dims = Conv2dDims.Create(n: 65536, ic: 65536, ih: 4, iw: 4, oc: 1, kh: 1, kw: 1);
        Assert.Equal(1L << 36, dims.XCount);
        Assert.Equal(1L << 37, dims.Flops);
    }

    public static TheoryData<Func<Conv2dDims>, string, string> Refusals => new()
    {
        { () => Small(n: 0), "n", "n must be at least 1; got 0." },
        { () => Small(ic: -1), "ic", "ic must be at least 1; got -1." },
        { () => Small(ih: 0), "ih", "ih must be at least 1; got 0." },
        { () => Small(iw: 0), "iw", "iw must be at least 1; got 0." },
        { () => Small(oc: 0), "oc", "oc must be at least 1; got 0." },
        { () => Small(kh: 0), "kh", "kh must be at least 1; got 0." },
        { () => Small(kw: -3), "kw", "kw must be at least 1; got -3." },
        { () => Small(strideH: 0), "strideH", "strideH must be at least 1; got 0." },
        { () => Small(strideW: 0), "strideW", "strideW must be at least 1; got 0." },
        { () => Small(padTop: -1), "padTop", "padTop must be at least 0; got -1." },
        { () => Small(padLeft: -1), "padLeft", "padLeft must be at least 0; got -1." },
        { () => Small(padBottom: -2), "padBottom", "padBottom must be at least 0; got -2." },
        { () => Small(padRight: -1), "padRight", "padRight must be at least 0; got -1." },
        { () => Small(dilationH: 0), "dilationH", "dilationH must be at least 1; got 0." },
        { () => Small(dilationW: 0), "dilationW", "dilationW must be at least 1; got 0." },
        { () => Small(groups: 0), "groups", "groups must be at least 1; got 0." },
        { () => Small(groups: 3), "groups", "groups must divide ic; got groups = 3, ic = 4." },
        { () => Small(ic: 6, groups: 3), "groups", "groups must divide oc; got groups = 3, oc = 4." },
        { () => Small(layout: (Layout)7), "layout", "layout must be Nchw or Nhwc; got 7." },
        { () => Small(kh: 6), "kh", "kh = 6 with dilation 1 spans 6 elements, more than the padded ih = 5 + 0 + 0 = 5." },
        { () => Small(kw: 4, padLeft: 1, padRight: 2, dilationW: 3), "kw", "kw = 4 with dilation 3 spans 10 elements, more than the padded iw = 5 + 1 + 2 = 8." },
        { () => Small(kh: int.MaxValue, dilationH: int.MaxValue), "kh", "kh = 2147483647 with dilation 2147483647 spans 4611686011984936963 elements" },
        { () => Small(padTop: int.MaxValue), "ih", "ih = 5 + 2147483647 + 0 gives an output extent of 2147483650, more than 2147483647." },
        { () => Small(n: int.MaxValue, ic: int.MaxValue, ih: int.MaxValue), "n", "x [2147483647, 2147483647, 2147483647, 5]" },
        { () => Small(n: int.MaxValue, oc: int.MaxValue), "n", "x [2147483647, 4, 5, 5] to y [2147483647, 2147483647, 3, 3] with kernel 3x3 is too large" },
    };

    [Theory]
    [MemberData(nameof(Refusals), DisableDiscoveryEnumeration = true)]
    public void Refuses_what_no_convolution_can_be(Func<Conv2dDims> create, string argument, string message)
    {
        var exception = Assert.Throws<ArgumentException>(() => create());
        Assert.Equal(argument, exception.ParamName);
        Assert.StartsWith(message, exception.Message);
    }

    private static Conv2dDims Small(
        int n = 2, int ic = 4, int ih = 5, int iw = 5, int oc = 4, int kh = 3, int kw = 3, int strideH = 1, int strideW = 1,
        int padTop = 0, int padLeft = 0, int padBottom = 0, int padRight = 0, int dilationH = 1, int dilationW = 1, int groups = 1,
        Layout layout = Layout.Nchw) =>
        Conv2dDims.Create(n, ic, ih, iw, oc, kh, kw, strideH, strideW, padTop, padLeft, padBottom, padRight, dilationH, dilationW, groups, layout);
}
