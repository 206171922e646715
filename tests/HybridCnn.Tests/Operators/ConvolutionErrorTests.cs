using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

/// <summary>The bounds that <see cref="ConvolutionAlgorithm"/> states, for every algorithm and pass, on numbers chosen to be hard.</summary>
public class ConvolutionErrorTests(ITestOutputHelper output)
{
    public enum Numbers
    {
        AnySign,
        PositiveImages,
        Positive,
        Equal,
        AlternatingSigns,
        LargeMean,
        UnevenChannels,
        Resonant,
    }

    // Long sums over channels forward, backward and in 1x1 kernels; long sums over pixels; one channel a group.
    private static readonly string[] s_problems =
    [
        "mb1ic512ih10oc8oh10kh3ph1",
        "mb1ic8ih10oc512oh10kh3ph1",
        "mb1ic64ih10oc64oh10kh3ph1",
        "mb1ic512ih7oc64oh7kh3ph1",
        "mb1ic64ih7oc512oh7kh3ph1",
        "mb2ic8ih40oc8oh40kh3ph1",
        "mb1ic128ih17oc64oh17kh3ph1",
        "mb1ic64ih17oc128oh17kh3ph1",
        "mb1ic512ih7oc8oh7kh1",
        "mb1ic8ih7oc512oh7kh1",
        "mb2ic8ih40oc8oh40kh1",
        "mb1ic1024ih7oc64oh7kh1",
        "mb1ic64ih7oc1024oh7kh1",
        "mb2ic64ih40oc6oh40kh1",
        "g16mb2ic16ih40oc16oh40kh3ph1",
        "g16mb2ic16ih40oc16oh40kh5ph2",
    ];

    /// <summary>Runs with the BLAS that the bounds are stated for.</summary>
    private sealed class StatedBoundTheoryAttribute : TheoryAttribute
    {
        public StatedBoundTheoryAttribute() =>
            Skip = Blas.Current is { Kind: "cblas" } other ? $"The bounds are stated for OpenBLAS and the portable SGEMM; {other} serves." : null;
    }

    [StatedBoundTheory]
    [InlineData(Numbers.AnySign)]
    [InlineData(Numbers.PositiveImages)]
    [InlineData(Numbers.Positive)]
    [InlineData(Numbers.Equal)]
    [InlineData(Numbers.AlternatingSigns)]
    [InlineData(Numbers.LargeMean)]
    [InlineData(Numbers.UnevenChannels)]
    [InlineData(Numbers.Resonant)]
    public void Errors_stay_within_the_stated_bounds(Numbers numbers)
    {
        using var context = new ComputeContext(2);
        foreach (string problem in s_problems)
        {
            var dims = Conv2dDims.Parse(problem);
            var random = new SeededRandom(5);
            float[] x = Images(numbers, random, dims.XCount, dims.IC, dims.IH, dims.IW), dy = Images(numbers, random, dims.YCount, dims.OC, dims.OH, dims.OW);
            float[] w = Filters(numbers, random, dims.WeightsCount);
            (double[] y, double[] dx, double[] dw, _) = ReferenceConvolution.Passes(dims, x, w, [], dy);
            foreach (var plan in Plans(dims, context.Options))
            {
                bool nhwc = plan.Dims.Layout == Layout.Nhwc;
                float[] planX = nhwc ? NhwcOrder.FromNchw<float>(x, dims.IC, dims.IH * dims.IW) : x, planDY = nhwc ? NhwcOrder.FromNchw<float>(dy, dims.OC, dims.OH * dims.OW) : dy;
                float[] gotY = new float[y.Length], gotX = new float[dx.Length], gotW = new float[dw.Length];
                plan.Forward(planX, w, [], gotY, context);
                plan.BackwardData(planDY, w, gotX, context);
                plan.BackwardWeights(planX, planDY, gotW, [], context);
                if (nhwc)
                {
                    gotY = NhwcOrder.FromNchw<float>(gotY, dims.OH * dims.OW, dims.OC);
                    gotX = NhwcOrder.FromNchw<float>(gotX, dims.IH * dims.IW, dims.IC);
                }

                long area = (long)dims.KH * dims.KW;
                Check(plan, ConvolutionPass.Forward, numbers, dims.ICPerGroup * area, y, gotY);
                Check(plan, ConvolutionPass.BackwardData, numbers, dims.OCPerGroup * area, dx, gotX);
                Check(plan, ConvolutionPass.BackwardWeights, numbers, (long)dims.N * dims.OH * dims.OW, dw, gotW);
            }
        }
    }

    // What ConvolutionAlgorithm says.
    private static double Bound(ConvolutionAlgorithm algorithm, Numbers numbers, long terms) =>
        numbers == Numbers.Equal ? 8e-6
        : algorithm == ConvolutionAlgorithm.WinogradF4 ? 6e-6
        : Math.Min(2e-6, 2 * Math.Sqrt(terms) * Math.ScaleB(1, -24));

    private static IEnumerable<ConvolutionPlan> Plans(Conv2dDims dims, ComputeOptions options)
    {
        foreach (Conv2dDims layout in (Conv2dDims[])[dims, dims.In(Layout.Nhwc)])
        {
            foreach (ConvolutionAlgorithm algorithm in Enum.GetValues<ConvolutionAlgorithm>())
            {
                if (algorithm != ConvolutionAlgorithm.Automatic && ConvolutionRules.Impossible(algorithm, layout) is null)
                    yield return new ConvolutionPlan(layout, algorithm, options);
            }
        }
    }

    private void Check(ConvolutionPlan plan, ConvolutionPass pass, Numbers numbers, long terms, double[] expected, float[] actual)
    {
        double largest = 0, error = 0, bound = Bound(plan.Algorithm(pass), numbers, terms);
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            error = Math.Max(error, Math.Abs(expected[i] - actual[i]));
        }

        string what = $"{plan.Algorithm(pass)} {plan.Dims} {pass}, {numbers}: {error / largest:0.0e0}";
        output.WriteLine(what);
        Assert.True(error <= bound * largest, $"{what}, above {bound:0.0e0}");
    }

    // Resonant: the signs are those of the row of Winograd's Bᵀ with the largest entries, tile after tile.
    private static float[] Images(Numbers numbers, SeededRandom random, long count, int channels, int height, int width)
    {
        ReadOnlySpan<float> pattern = [1, 0, -1, 0];
        float[] values = random.Floats(count);
        for (int i = 0; i < values.Length; i++)
        {
            int column = i % width, row = i / width % height, channel = i / (width * height) % channels;
            float value = values[i], positive = MathF.Abs(value);
            values[i] = numbers switch
            {
                Numbers.AnySign => value,
                Numbers.PositiveImages or Numbers.Positive => positive,
                Numbers.Equal => 1f / 3,
                Numbers.AlternatingSigns => (0.5f + positive / 2) * ((row + column) % 2 == 0 ? 1 : -1),
                Numbers.LargeMean => 100 + value,
                Numbers.UnevenChannels => value * MathF.Pow(10, channel % 7 - 3),
                _ => (0.5f + positive / 2) * pattern[(column + 1) % 4] * pattern[(row + 1) % 4],
            };
        }

        return values;
    }

    private static float[] Filters(Numbers numbers, SeededRandom random, long count)
    {
        float[] values = random.Floats(count);
        if (numbers == Numbers.Positive)
            return [.. values.Select(MathF.Abs)];
        if (numbers == Numbers.Equal)
            Array.Fill(values, 0.1f);
        return values;
    }
}
