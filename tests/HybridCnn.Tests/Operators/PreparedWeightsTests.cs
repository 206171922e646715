using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>The forward pass with weights that were packed or transformed before it, against the pass that does so itself.</summary>
public class PreparedWeightsTests
{
    // Of the largest output; Winograd's two forms may round differently.
    private const double Bound = 1.2e-5;

    private static readonly string[] s_problems =
    [
        "mb2ic3ih9oc32oh9kh3ph1", "mb2ic20ih13oc70oh13kh3ph1", "mb1ic40ih7oc200oh7kh3ph1", "mb3ic64ih8oc80oh8kh1", "mb2ic32ih9oc48oh5kh3sh2ph1", "g24mb2ic24ih8oc24oh8kh3ph1",
        "g2mb2ic8ih7oc12oh7kh3ph1",
    ];

    public static TheoryData<string> Problems => new(s_problems);

    [Theory]
    [MemberData(nameof(Problems))]
    public void All_algorithms_compute_the_same_with_prepared_weights(string problem)
    {
        foreach (Layout layout in (Layout[])[Layout.Nchw, Layout.Nhwc])
        {
            Conv2dDims dims = Conv2dDims.Parse(problem).In(layout);
            using var data = new ConvolutionCase(dims, new SeededRandom(1));
            foreach (ConvolutionAlgorithm algorithm in ConvolutionRules.Order.Where(algorithm => ConvolutionRules.Impossible(algorithm, dims) is null))
            {
                foreach (int threads in (int[])[1, 2, 3])
                {
                    using var context = new ComputeContext(threads);
                    Check(new ConvolutionPlan(dims, algorithm, context.Options), data, context, $"{dims} {layout} {algorithm}, {threads} threads");
                }
            }
        }
    }

    private static void Check(ConvolutionPlan plan, ConvolutionCase data, ComputeContext context, string what)
    {
        using var prepared = new GuardedBuffer(checked((int)plan.PreparedFloats));
        prepared.Span.Fill(float.NaN);
        if (plan.PreparedFloats > 0)
            plan.Prepare(data.W.Span, prepared.Span, context);
        foreach (float? ceiling in (float?[])[null, float.PositiveInfinity, 0.4f])
        {
            if (ceiling == 0.4f && !plan.TakesCeiling)
                continue;
            data.Y.Span.Fill(float.NaN);
            plan.Forward(data.X.Span, data.W.Span, data.B.Span, data.Y.Span, context, relu: ceiling is not null);
            double[] expected = Array.ConvertAll(data.Y.Span.ToArray(), value => Math.Min(value, ceiling ?? double.PositiveInfinity));
            data.Y.Span.Fill(float.NaN);
            plan.ForwardPrepared(data.X.Span, plan.PreparedFloats > 0 ? prepared.Span : data.W.Span, data.B.Span, ceiling, data.Y.Span, context);
            Tolerance.AssertClose(expected, data.Y.Span, Bound * expected.Max(Math.Abs), $"{what}, ceiling {ceiling}");
        }
    }
}
