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

    /// <summary>A small convolution with anything in it: strides, dilation, four pads, groups, unused borders.</summary>
    public static Conv2dDims Convolution(SeededRandom random)
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
