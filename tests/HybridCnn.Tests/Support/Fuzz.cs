using System.Globalization;
using HybridCnn.Tensors;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Support;

/// <summary>
/// Random cases in every test run. Each run draws a new seed and prints it; HYBRIDCNN_FUZZ_SEED repeats a run,
/// HYBRIDCNN_FUZZ_COUNT sets the number of cases.
/// </summary>
internal static class Fuzz
{
    private static readonly ulong Seed =
        Environment.GetEnvironmentVariable("HYBRIDCNN_FUZZ_SEED") is { Length: > 0 } text
            ? ulong.Parse(text, CultureInfo.InvariantCulture)
            : (ulong)DateTime.UtcNow.Ticks;

    /// <summary>Runs a check on random cases; a failure names the seed and the case.</summary>
    public static void Run<TCase>(ITestOutputHelper output, int count, Func<SeededRandom, TCase> draw, Action<TCase, SeededRandom> check)
    {
        if (Environment.GetEnvironmentVariable("HYBRIDCNN_FUZZ_COUNT") is { Length: > 0 } text)
            count = int.Parse(text, CultureInfo.InvariantCulture);
        output.WriteLine($"HYBRIDCNN_FUZZ_SEED={Seed}, {count} cases");
        var random = new SeededRandom(Seed);
        for (int i = 0; i < count; i++)
        {
            TCase problem = draw(random);
            try
            {
                check(problem, random);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Fuzz case {i} of HYBRIDCNN_FUZZ_SEED={Seed} failed: {problem}\n{e.Message}", e);
            }
        }
    }

    /// <summary>
    /// A small convolution with anything in it, strides larger than the kernel too, or one of what the algorithms are made for: many
    /// channels, a group per channel, a single pixel.
    /// </summary>
    public static Conv2dDims Convolution(SeededRandom random) => random.NextInt(6) switch
    {
        0 => ManyChannels(random),
        1 => GroupPerChannel(random),
        2 => SinglePixel(random),
        _ => AnyConvolution(random),
    };

    // Strides, dilation, four pads, groups, unused borders.
    private static Conv2dDims AnyConvolution(SeededRandom random)
    {
        while (true)
        {
            int Up(int limit) => 1 + random.NextInt(limit);
            int Rarely(int limit) => random.NextInt(3) == 0 ? random.NextInt(limit + 1) : 0;
            int groups = 1 + Rarely(3);
            int kh = Up(5), kw = random.NextInt(2) == 0 ? kh : Up(7), dh = 1 + Rarely(2), dw = 1 + Rarely(2);
            int ih = Up(20), iw = random.NextInt(3) == 0 ? ih : Up(40);
            int top = random.NextInt(kh + 1), left = random.NextInt(kw + 1);
            bool same = random.NextInt(2) == 0;
            int bottom = same ? top : random.NextInt(kh + 2), right = same ? left : random.NextInt(kw + 2);
            if ((kh - 1) * dh + 1 > ih + top + bottom || (kw - 1) * dw + 1 > iw + left + right)
                continue;
            return Conv2dDims.Create(
                Up(4), Up(6) * groups, ih, iw, Up(8) * groups, kh, kw, 1 + Rarely(3), 1 + Rarely(3),
                top, left, bottom, right, dh, dw, groups);
        }
    }

    // Around the widths of registers, of panels (64) and of parts of channels (128), or whole panels of both, or of one; 3x3 at stride 1 as Winograd takes it, or 1x1.
    private static Conv2dDims ManyChannels(SeededRandom random)
    {
        const long maximumFlops = 2_500_000;
        while (true)
        {
            int n = 1 + random.NextInt(3), ic = 1 + random.NextInt(140), oc = 1 + random.NextInt(140), ih = 1 + random.NextInt(13), iw = 1 + random.NextInt(13);
            int kernel = random.NextInt(3) == 0 ? 1 : 3, stride = random.NextInt(4) == 0 ? 2 : 1;
            int top = random.NextInt(kernel), left = random.NextInt(kernel), bottom = random.NextInt(kernel + 1), right = random.NextInt(kernel + 1);
            if (kernel == 1 && random.NextInt(2) == 0)
                (bottom, right) = (0, 0);
            switch (random.NextInt(8))
            {
                case 0 or 1:
                    (ic, oc, ih, iw) = (64 * (1 + random.NextInt(2)), 64, 1 + random.NextInt(5), 1 + random.NextInt(5));
                    break;
                case 2:
                    (ic, oc) = (1 + random.NextInt(20), 64 * (1 + random.NextInt(2)));
                    break;
                case 3:
                    (ic, oc) = (64 * (1 + random.NextInt(2)), 1 + random.NextInt(20));
                    break;
            }

            if (ih + top + bottom < kernel || iw + left + right < kernel)
                continue;
            var dims = Conv2dDims.Create(n, ic, ih, iw, oc, kernel, kernel, stride, stride, top, left, bottom, right);
            if (dims.Flops <= maximumFlops)
                return dims;
        }
    }

    private static Conv2dDims GroupPerChannel(SeededRandom random)
    {
        while (true)
        {
            (int kh, int kw) = random.NextInt(3) == 0 ? (3, 3) : (1 + random.NextInt(5), 1 + random.NextInt(5));
            int channels = 1 + random.NextInt(70), dilation = 1 + random.NextInt(2);
            int ih = 1 + random.NextInt(12), iw = 1 + random.NextInt(24), top = random.NextInt(kh), left = random.NextInt(kw);
            int filters = random.NextInt(4) == 0 ? 2 : 1, stride = 1 + random.NextInt(3);
            if ((kh - 1) * dilation + 1 <= ih + 2 * top && (kw - 1) * dilation + 1 <= iw + 2 * left)
            {
                return Conv2dDims.Create(
                    1 + random.NextInt(2), channels, ih, iw, channels * filters, kh, kw, stride, 1 + random.NextInt(2),
                    top, left, top, left, dilation, dilation, channels);
            }
        }
    }

    // An image of one pixel, of which padding makes more; strides go beyond the kernel.
    private static Conv2dDims SinglePixel(SeededRandom random)
    {
        int kernel = 1 + random.NextInt(3), pad = random.NextInt(kernel) + kernel / 2;
        return Conv2dDims.Create(
            1 + random.NextInt(3), 1 + random.NextInt(40), 1, 1, 1 + random.NextInt(70), kernel, kernel, 1 + random.NextInt(4), 1 + random.NextInt(4),
            pad, pad, pad, pad);
    }

    /// <summary>A small pooling with anything in it: overlap, strides, dilation, four pads, ceil mode, tiles.</summary>
    public static Pool2dDims Pooling(SeededRandom random)
    {
        while (true)
        {
            int Up(int limit) => 1 + random.NextInt(limit);
            int Rarely(int limit) => random.NextInt(3) == 0 ? random.NextInt(limit + 1) : 0;
            int ih = Up(20), iw = random.NextInt(3) == 0 ? ih : Up(50);
            if (random.NextInt(3) == 0 && ih > 1 && iw > 1)
                return Pool2dDims.Create(Up(2), Up(3), ih, iw, 2, 2, 2, 2, ceilMode: random.NextInt(3) == 0);
            if (random.NextInt(6) == 0 && ih > 2)
                return Pool2dDims.Create(Up(2), Up(3), ih, 2 * (14 + Up(20)), 3, 3, 2, 2, random.NextInt(2), 1, random.NextInt(2), random.NextInt(2));
            int kh = Up(5), kw = random.NextInt(2) == 0 ? kh : Up(7), dh = 1 + Rarely(2), dw = 1 + Rarely(2);
            int padH = ((kh - 1) * dh + 1) / 2, padW = ((kw - 1) * dw + 1) / 2;
            try
            {
                return Pool2dDims.Create(
                    Up(2), Up(3), ih, iw, kh, kw, Up(4), Up(4), Rarely(padH), Rarely(padW), Rarely(padH), Rarely(padW), dh, dw,
                    ceilMode: random.NextInt(2) == 0);
            }
            catch (ArgumentException)
            {
                // A kernel that is too large, or a window of padding alone: draw again.
            }
        }
    }
}
