using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>A ReLU in the forward pass is a ReLU behind it, bit by bit, whatever the algorithm.</summary>
public class ConvolutionReluTests
{
    private static readonly string[] s_problems =
    [
        "mb2ic3ih9iw7oc5oh9ow7kh3ph1", "mb3ic16ih9iw10oc48oh9ow10kh3ph1", "mb2ic80ih7oc72oh7kh1ph0", "mb2ic16ih11oc72oh6kh3sh2ph1",
        "g24mb2ic24ih9oc24oh9kh3ph1", "g2mb2ic8ih8oc12oh8kh3ph1", "mb1ic20ih12oc50oh8kh5ph0", "mb40ic16ih28oc16oh28kh3ph1",
    ];

    [Theory]
    [InlineData(ConvolutionAlgorithm.Pointwise)]
    [InlineData(ConvolutionAlgorithm.Depthwise)]
    [InlineData(ConvolutionAlgorithm.Direct)]
    [InlineData(ConvolutionAlgorithm.WinogradF4)]
    [InlineData(ConvolutionAlgorithm.WinogradF2)]
    [InlineData(ConvolutionAlgorithm.Taps)]
    [InlineData(ConvolutionAlgorithm.Im2Col)]
    public void Is_the_pass_with_a_ReLU_behind(ConvolutionAlgorithm algorithm)
    {
        int run = 0;
        foreach (string problem in s_problems)
        {
            foreach (string layout in (string[])["", "nhwc"])
            {
                var dims = Conv2dDims.Parse(problem + layout);
                if (Plan(dims, algorithm) is not { } plan)
                    continue;
                run++;
                foreach (int threads in (int[])[1, 2, 3])
                    Check(plan, bias: threads != 2, threads, $"{algorithm} {dims} on {threads} threads");
            }
        }

        Assert.True(run > 0, $"{algorithm} took none of the problems");
    }

    private static void Check(ConvolutionPlan plan, bool bias, int threads, string name)
    {
        Conv2dDims dims = plan.Dims;
        var random = new SeededRandom(1);
        float[] x = random.Floats(dims.XCount), w = random.Floats(dims.WeightsCount), b = bias ? random.Floats(dims.OC) : [];
        float[] y = new float[dims.YCount], expected = new float[dims.YCount];
        Array.Fill(y, float.NaN);
        using var context = new ComputeContext(threads);
        plan.Forward(x, w, b, y, context, relu: true);
        plan.Forward(x, w, b, expected, context);
        int differing = Enumerable.Range(0, y.Length).Count(i => y[i] != Math.Max(expected[i], 0));
        Assert.True(differing == 0, $"{name}: {differing} of {y.Length} elements differ");
        Assert.Contains(expected, value => value < 0);
    }

    private static ConvolutionPlan? Plan(Conv2dDims dims, ConvolutionAlgorithm algorithm)
    {
        try
        {
            return new ConvolutionPlan(dims, algorithm);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
