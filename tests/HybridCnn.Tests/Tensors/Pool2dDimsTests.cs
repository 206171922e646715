using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Tensors;

public class Pool2dDimsTests
{
    public static TheoryData<string, Pool2dDims> Known => new()
    {
        { "mb2ic3ih8oh4kh2sh2ph0", Pool2dDims.Create(2, 3, 8, 8, 2, 2, 2, 2) },
        { "ic64ih112oh56kh3sh2ph1", Pool2dDims.Create(2, 64, 112, 112, 3, 3, 2, 2, 1, 1, 1, 1) },
        // The output needs one row more than the input has: padding below.
        { "mb1ic8ih112oh56kh3sh2ph0n\"googlenet\"", Pool2dDims.Create(1, 8, 112, 112, 3, 3, 2, 2, padBottom: 1, padRight: 1) },
        { "mb1ic8ih112kh3sh2ceil1", Pool2dDims.Create(1, 8, 112, 112, 3, 3, 2, 2, ceilMode: true) },
        { "mb1ic8ih9iw12kh3kw2sh2sw3ph1pw1dh1dw2nhwc",
            Pool2dDims.Create(1, 8, 9, 12, 3, 2, 2, 3, 1, 1, 1, 1, 2, 3, layout: Layout.Nhwc) },
    };

    public static TheoryData<string, Action> Bad => new()
    {
        { "n", () => Pool2dDims.Create(0, 1, 4, 4, 2, 2) },
        { "c", () => Pool2dDims.Create(1, 0, 4, 4, 2, 2) },
        { "ih", () => Pool2dDims.Create(1, 1, -4, 4, 2, 2) },
        { "iw", () => Pool2dDims.Create(1, 1, 4, 0, 2, 2) },
        { "kh", () => Pool2dDims.Create(1, 1, 4, 4, 0, 2) },
        { "kw", () => Pool2dDims.Create(1, 1, 4, 4, 2, int.MinValue) },
        { "strideH", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, strideH: 0) },
        { "strideW", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, strideW: 0) },
        { "padTop", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, padTop: -1) },
        { "padLeft", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, padLeft: 2) },
        { "padBottom", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, padBottom: 2) },
        { "padRight", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, padRight: int.MaxValue) },
        { "dilationH", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, dilationH: 0) },
        { "dilationW", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, dilationW: -1) },
        { "layout", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, layout: (Layout)7) },
        { "kh", () => Pool2dDims.Create(1, 1, 4, 4, 5, 2) },
        { "kw", () => Pool2dDims.Create(1, 1, 4, 4, 2, 2, dilationW: int.MaxValue) },
        { "kh", () => Pool2dDims.Create(1, 1, 4, 4, int.MaxValue, 2, dilationH: int.MaxValue) },
        // Taps at -2 and 1 around a single row: nothing but padding.
        { "kh", () => Pool2dDims.Create(1, 1, 1, 4, 2, 2, padTop: 2, padBottom: 2, dilationH: 3) },
        { "extents", () => Pool2dDims.Create(65536, 65536, 4, 4, 2, 2) },
        { "extents", () => Pool2dDims.Create(1, 1, int.MaxValue, 1, 1, 1) },
    };

    [Theory]
    [MemberData(nameof(Known), DisableDiscoveryEnumeration = true)]
    public void Reads_problem_strings(string text, Pool2dDims expected) => Assert.Equal(expected, Pool2dDims.Parse(text));

    [Theory]
    [MemberData(nameof(ShapeTable.Poolings), MemberType = typeof(ShapeTable))]
    public void Prints_what_it_can_read_back(string text)
    {
        var dims = Pool2dDims.Parse(text);
        Assert.Equal(dims, Pool2dDims.Parse(dims.ToString()));
        Assert.True(Pool2dDims.TryParse(dims.ToString(), out Pool2dDims again));
        Assert.Equal(dims, again);
    }

    [Theory]
    [InlineData("mb2ic3ih8oh4kh2sh2")]
    [InlineData("mb1ic8ih112oh56kh3sh2ph1")]
    [InlineData("mb1ic8ih112kh3sh2ceil1")]
    public void Prints_them_as_short_as_they_were(string text) => Assert.Equal(text, Pool2dDims.Parse(text).ToString());

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void Refuses_what_no_pooling_can_be(string argument, Action create) =>
        Assert.Equal(argument, Assert.ThrowsAny<ArgumentException>(create).ParamName);

    [Theory]
    [InlineData("", "expected ih and a number")]
    [InlineData("ic3ih8", "expected kh and a number somewhere before the end")]
    [InlineData("ih8kh2", "expected ic and a number")]
    [InlineData("ic3ih8kh2oc4", "at position 9: expected one of mb ic ih iw oh ow kh kw sh sw ph pw dh dw pb pr ceil; found \"oc\".")]
    [InlineData("ic3ih8oh9kh2sh2ph0pb0pr0", "at position 6: expected oh4, which follows from the other values; found oh9.")]
    [InlineData("ic3ih8kh2ceil2", "at position 9: expected ceil0 or ceil1; found ceil2.")]
    [InlineData("ic3ih8kh2ph2", "at position 9: A pad is at most half of the dilated kernel's height, 2 / 2; got 2.")]
    [InlineData("mb0ic3ih8kh2", "at position 0: ")]
    public void Points_at_what_it_cannot_read(string text, string message)
    {
        Assert.Contains(message, Assert.Throws<FormatException>(() => Pool2dDims.Parse(text)).Message, StringComparison.Ordinal);
        Assert.False(Pool2dDims.TryParse(text, out _));
    }

    [Fact]
    public void Does_not_read_null()
    {
        Assert.Throws<ArgumentNullException>(() => Pool2dDims.Parse(null!));
        Assert.False(Pool2dDims.TryParse(null, out _));
    }

    [Theory]
    [InlineData(6, 2, 3, 1, true, 3)]
    [InlineData(9, 2, 2, 0, true, 5)]
    [InlineData(9, 2, 2, 0, false, 4)]
    [InlineData(10, 3, 2, 1, true, 6)]
    [InlineData(1, 1, 5, 0, true, 1)]
    public void Counts_windows_as_PyTorch_does(int extent, int kernel, int stride, int pad, bool ceilMode, int expected)
    {
        var dims = Pool2dDims.Create(1, 1, extent, extent, kernel, kernel, stride, stride, pad, pad, pad, pad, ceilMode: ceilMode);
        Assert.Equal((expected, expected), (dims.OH, dims.OW));
    }
}
