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

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Part_of_a_matrix_becomes_part_of_another(int rows, int columns)
    {
        const int beside = 3;
        int sourceStride = columns + beside, targetStride = rows + beside;
        using var source = new GuardedBuffer(new SeededRandom(2).Floats((rows - 1) * sourceStride + columns));
        using var target = new GuardedBuffer(Enumerable.Repeat(float.NaN, (columns - 1) * targetStride + rows).ToArray());

        LayoutTransform.Transpose(rows, columns, source.Span, sourceStride, target.Span, targetStride);

        for (int at = 0; at < target.Length; at++)
        {
            (int column, int row) = Math.DivRem(at, targetStride);
            Assert.Equal(row < rows ? source.Span[row * sourceStride + column] : float.NaN, target.Span[at]);
        }
    }

    [Fact]
    public void A_span_that_is_too_short_is_refused()
    {
        Assert.ThrowsAny<ArgumentException>(() => LayoutTransform.Transpose(3, 5, new float[16], 6, new float[15], 3));
        Assert.ThrowsAny<ArgumentException>(() => LayoutTransform.Transpose(3, 5, new float[17], 6, new float[14], 3));
        Assert.ThrowsAny<ArgumentException>(() => LayoutTransform.ToNhwc(3, 5, new float[14], new float[15]));
        Assert.ThrowsAny<ArgumentException>(() => LayoutTransform.ToNchw(3, 5, new float[15], new float[14]));
    }
}
