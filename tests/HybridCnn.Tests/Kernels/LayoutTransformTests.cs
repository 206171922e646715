using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

public class LayoutTransformTests
{
    public static TheoryData<int, int> Sizes()
    {
        var sizes = new TheoryData<int, int>();
        foreach (int channels in new[] { 1, 2, 3, 7, 8, 9, 15, 16, 17, 20, 33, 64, 130 })
        {
            foreach (int pixels in new[] { 1, 5, 8, 15, 16, 49, 63, 64, 65, 143 })
                sizes.Add(channels, pixels);
        }

        return sizes;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void There_and_back_element_by_element_and_nothing_beside(int channels, int pixels)
    {
        foreach (GuardSide side in (GuardSide[])[GuardSide.Start, GuardSide.End])
        {
            using var planes = new GuardedBuffer(new SeededRandom(1).Floats(channels * pixels), side);
            using var interleaved = new GuardedBuffer(channels * pixels, side);
            using var back = new GuardedBuffer(channels * pixels, side);

            LayoutTransform.ToNhwc(channels, pixels, planes.Span, interleaved.Span);
            Assert.Equal(NhwcOrder.FromNchw<float>(planes.Span, channels, pixels), interleaved.Span);

            LayoutTransform.ToNchw(channels, pixels, interleaved.Span, back.Span);
            Assert.Equal<float>(planes.Span.ToArray(), back.Span.ToArray());
        }
    }

    [Fact]
    public void A_span_that_is_too_short_is_refused()
    {
        Assert.ThrowsAny<ArgumentException>(() => LayoutTransform.ToNhwc(3, 5, new float[14], new float[15]));
        Assert.ThrowsAny<ArgumentException>(() => LayoutTransform.ToNchw(3, 5, new float[15], new float[14]));
    }
}
