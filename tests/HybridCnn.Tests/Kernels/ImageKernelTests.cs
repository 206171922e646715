using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Kernels;

public class ImageKernelTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 7)]
    [InlineData(28, 28)]
    public void A_shift_is_a_crop_of_the_padded_image_mirrored_or_not(int height, int width)
    {
        byte[] x = Plane(height, width);
        for (int dr = -height - 1; dr <= height + 1; dr++)
        {
            for (int dc = -width - 1; dc <= width + 1; dc++)
            {
                foreach (bool mirrored in (bool[])[false, true])
                {
                    var y = new byte[height * width];
                    Array.Fill(y, (byte)99);
                    ImageShift.Run(x, height, width, dr, dc, mirrored, y);
                    for (int i = 0; i < y.Length; i++)
                    {
                        int r = i / width + dr, c = i % width + dc;
                        c = mirrored ? width - 1 - c : c;
                        byte expected = r >= 0 && r < height && c >= 0 && c < width ? x[r * width + c] : (byte)0;
                        Assert.True(expected == y[i], $"{height}x{width} by {dr}, {dc}, mirrored {mirrored}: pixel {i} is {y[i]}, not {expected}");
                    }
                }
            }
        }
    }

    [Fact]
    public void A_warp_by_whole_pixels_is_a_shift()
    {
        byte[] x = Plane(9, 12), shifted = new byte[9 * 12], warped = new byte[9 * 12];
        foreach ((int dr, int dc, bool mirrored) in ((int, int, bool)[])[(0, 0, false), (2, -3, false), (-9, 1, false), (0, 0, true), (1, 4, true), (-2, -5, true)])
        {
            ImageShift.Run(x, 9, 12, dr, dc, mirrored, shifted);
            ImageWarp.Run(x, 9, 12, mirrored ? new(-1, 0, 11 - dc, 0, 1, dr) : new(1, 0, dc, 0, 1, dr), warped);
            Assert.Equal(shifted, warped);
        }
    }

    [Fact]
    public void A_warp_is_bilinear_between_pixels_and_black_beyond()
    {
        const int height = 11, width = 8;
        byte[] x = Plane(height, width), y = new byte[height * width];
        var random = new SeededRandom(4);
        for (int trial = 0; trial < 200; trial++)
        {
            float[] m = random.Floats(6);
            var map = new AffineMap(m[0] * 2, m[1] * 2, m[2] * 12, m[3] * 2, m[4] * 2, m[5] * 12);
            ImageWarp.Run(x, height, width, map, y);
            for (int i = 0; i < y.Length; i++)
            {
                int r = i / width, c = i % width;
                double u = (double)map.Xx * c + (double)map.Xy * r + map.X0, v = (double)map.Yx * c + (double)map.Yy * r + map.Y0;
                double expected = 0;
                for (int row = (int)Math.Floor(v); row <= Math.Floor(v) + 1; row++)
                {
                    for (int column = (int)Math.Floor(u); column <= Math.Floor(u) + 1; column++)
                    {
                        if (row >= 0 && row < height && column >= 0 && column < width)
                            expected += x[row * width + column] * (1 - Math.Abs(u - column)) * (1 - Math.Abs(v - row));
                    }
                }

                // Weights have 8 bits: 255 / 512 for each of the two directions, and half for the rounding of the result.
                Assert.True(Math.Abs(expected - y[i]) <= 1.55, $"trial {trial}, pixel {i}: {y[i]}, not {expected}");
            }
        }
    }

    [Fact]
    public void A_warp_from_nowhere_is_black()
    {
        var y = new byte[4];
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e30f, -1e30f])
        {
            Array.Fill(y, (byte)7);
            ImageWarp.Run([1, 2, 3, 4], 2, 2, new(1, 0, bad, 0, 1, 0), y);
            Assert.Equal(new byte[4], y);
        }
    }

    [Fact]
    public void Mixing_gives_each_of_two_images_its_share_of_the_other_at_any_length()
    {
        var random = new SeededRandom(1);
        for (int length = 0; length < 70; length++)
        {
            float[] a = random.Floats(length), b = random.Floats(length);
            using GuardedBuffer mixedA = new(a), mixedB = new(b);
            ImageMix.Run(mixedA.Span, mixedB.Span, 0.3f);
            for (int i = 0; i < length; i++)
            {
                Assert.Equal(0.3 * a[i] + 0.7 * b[i], mixedA.Span[i], 1e-6);
                Assert.Equal(0.3 * b[i] + 0.7 * a[i], mixedB.Span[i], 1e-6);
            }
        }
    }

    private static byte[] Plane(int height, int width)
    {
        var random = new SeededRandom(9);
        var x = new byte[height * width];
        for (int i = 0; i < x.Length; i++)
            x[i] = (byte)(1 + random.NextInt(255));
        return x;
    }
}
