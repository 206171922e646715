using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Tensors;

public class Conv2dDimsTextTests(ITestOutputHelper output)
{
    public static TheoryData<string, Conv2dDims> Known => new()
    {
        { "mb8ic64ih56oc64oh56kh3ph1", Conv2dDims.Create(8, 64, 56, 56, 64, 3, 3, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1) },
        { "g2mb1ic4ih7oc6oh3kh3sh2ph0", Conv2dDims.Create(1, 4, 7, 7, 6, 3, 3, 2, 2, groups: 2) },
        // AlexNet's first layer as benchdnn has it: every width token there, separators, a name.
        { "mb2_ic3ih227iw227_oc96oh55ow55_kh11kw11_sh4sw4ph0pw0_n\"alexnet:conv1\"", Conv2dDims.Create(2, 3, 227, 227, 96, 11, 11, 4, 4) },
        // Without mb: 2. Without oh: it follows, with ph on both sides.
        { "ic3ih8oc4kh3ph1", Conv2dDims.Create(2, 3, 8, 8, 4, 3, 3, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1) },
        // Without ph: oh needs three rows of zeros; the smaller half comes first.
        { "ic1ih8oc1oh8kh4", Conv2dDims.Create(2, 1, 8, 8, 1, 4, 4, padTop: 1, padLeft: 1, padBottom: 2, padRight: 2) },
        // dh1 = one element left out between two.
        { "ic1ih9oc1kh3dh1", Conv2dDims.Create(2, 1, 9, 9, 1, 3, 3, dilationH: 2, dilationW: 2) },
        { "ic1ih6iw9oc1kh3kw5sh1sw2ph1pw2", Conv2dDims.Create(2, 1, 6, 9, 1, 3, 5, 1, 2, 1, 2, 1, 2) },
        { "mb1ic2ih9oc3oh5kh3sh2ph0pb2pr2", Conv2dDims.Create(1, 2, 9, 9, 3, 3, 3, 2, 2, padBottom: 2, padRight: 2) },
        { "mb1ic2ih4oc3oh4kh1nhwc", Conv2dDims.Create(1, 2, 4, 4, 3, 1, 1, layout: Layout.Nhwc) },
    };

    [Theory]
    [MemberData(nameof(Known), DisableDiscoveryEnumeration = true)]
    public void Reads_problem_strings(string text, Conv2dDims expected) => Assert.Equal(expected, Conv2dDims.Parse(text));

    [Theory]
    [InlineData("mb8ic64ih56oc64oh56kh3ph1")]
    [InlineData("g2mb1ic4ih7oc6oh3kh3sh2")]
    [InlineData("mb1ic1ih6iw9oc1oh6ow5kh3kw5sh1sw2ph1pw2")]
    [InlineData("mb1ic2ih4oc3oh4kh1nhwc")]
    public void Prints_them_as_short_as_they_were(string text) => Assert.Equal(text, Conv2dDims.Parse(text).ToString());

    [Theory]
    [InlineData("", "\"\" at position 0: expected ih and a number")]
    [InlineData("mb8ic64", "\"mb8ic64\" at position 7: expected ih and a number somewhere before the end.")]
    [InlineData("ic3ih5kh3", "at position 9: expected oc and a number")]
    [InlineData("ic3xx5", "at position 3: expected one of g mb ic ih iw oc oh ow kh kw sh sw ph pw dh dw pb pr; found \"xx\".")]
    [InlineData("ic3 ih5", "at position 3: expected one of g mb")]
    [InlineData("ic3ih", "at position 5: expected a whole number after ih; found the end.")]
    [InlineData("ic3ih-5oc1kh1", "at position 5: expected a whole number after ih; found '-'.")]
    [InlineData("ic3ih99999999999", "at position 5: expected at most 2147483647 after ih; found 99999999999.")]
    [InlineData("ic3ih5ic4", "at position 6: ic stands here twice, first at position 0.")]
    [InlineData("ic3ih5oc2kh3n\"open", "at position 12: expected a closing quote after the name.")]
    [InlineData("ic3n\"x\"ih5", "at position 7: expected the end after the name; found 'i'.")]
    [InlineData("nhwcic3nhwc", "at position 7: nhwc stands here twice.")]
    [InlineData("ic3ih5oc2oh5kh3ph0pb0", "at position 9: expected oh3, which follows from the other values; found oh5.")]
    [InlineData("ic3ih5oc2oh2kh3ph0", "at position 9: expected oh3, which follows from the other values; found oh2.")]
    [InlineData("ic3ih5iw6oc2ow9kh3ph0pr0", "at position 12: expected ow4")]
    [InlineData("ic3ih5oc2kh7", "at position 9: kh = 7 with dilation 1 spans 7 elements, more than the padded ih = 5 + 0 + 0 = 5.")]
    [InlineData("g2ic3ih5oc2kh3", "at position 0: groups must divide ic; got groups = 2, ic = 3.")]
    [InlineData("ic3ih5oc2kh3sh0", "at position 12: strideH must be at least 1; got 0.")]
    [InlineData("mb0ic3ih5oc2kh3", "at position 0: n must be at least 1; got 0.")]
    [InlineData("ic3ih5oc2kh3dh2147483647", "at position 12: expected at most 2147483646 after dh; found 2147483647.")]
    public void Points_at_what_it_cannot_read(string text, string message)
    {
        Assert.Contains(message, Assert.Throws<FormatException>(() => Conv2dDims.Parse(text)).Message);
        Assert.False(Conv2dDims.TryParse(text, out var dims));
        Assert.Equal(default, dims);
    }

    [Fact]
    public void Null_is_not_a_problem()
    {
        Assert.Throws<ArgumentNullException>("text", () => Conv2dDims.Parse(null!));
        Assert.False(Conv2dDims.TryParse(null, out _));
    }

    [Fact]
    public void Prints_even_when_nobody_created_it() => Assert.Equal("(no dims)", default(Conv2dDims).ToString());

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Reads_back_what_it_prints(string text)
    {
        var dims = Conv2dDims.Parse(text);
        Assert.Equal(dims, Conv2dDims.Parse(dims.ToString()));
    }

    [Fact]
    public void Reads_back_what_it_prints_for_any_dims() =>
        Fuzz.Run(output, 3000, Fuzz.Convolution, (dims, _) => Assert.Equal(dims, Conv2dDims.Parse(dims.ToString())));

    [Fact]
    public void Never_fails_otherwise_than_with_a_format_exception() =>
        Fuzz.Run(
            output,
            3000,
            random =>
            {
                string[] pieces = ["ic", "ih", "oc", "kh", "mb", "oh", "ow", "sh", "ph", "pb", "g", "n\"", "nhwc", "_", "1", "2", "0", "9", "2147483647", "x"];
                return string.Concat(Enumerable.Range(0, 4 + random.NextInt(16)).Select(_ => pieces[random.NextInt(pieces.Length)]));
            },
            (text, _) =>
            {
                if (Conv2dDims.TryParse(text, out var dims))
                    Assert.Equal(dims, Conv2dDims.Parse(dims.ToString()));
            });
}
