using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>Every algorithm that takes a problem, in every layout that it takes it in, against the same oracles.</summary>
public class ConvolutionPassesTests
{
    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Agree_with_the_reference(string problem)
    {
        foreach (Conv2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new ConvolutionPassesCase(dims, new SeededRandom(1));
            foreach (int threads in (int[])[1, 2, 3])
            {
                using var context = new ComputeContext(threads);
                foreach (ConvolutionMethod method in TestedMethods.For(dims))
                    data.Check(method, context);
            }
        }
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void Are_exact_on_whole_numbers(string problem)
    {
        foreach (Conv2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new ConvolutionPassesCase(dims, new SeededRandom(2), integers: true, bias: dims.OC % 2 == 0, side: GuardSide.Start);
            using var context = new ComputeContext(2);
            foreach (bool smallKernels in (bool[])[false, true])
            {
                foreach (ConvolutionMethod method in TestedMethods.For(dims, smallKernels))
                    data.Check(method, context);
            }
        }
    }

    [Theory]
    [InlineData("mb1ic3ih1iw2300oc5oh1kh1kw9ph0pw4")]
    [InlineData("g2mb2ic4ih2iw2300oc6oh1kh2kw3sh1sw2ph0pw1")]
    public void Long_rows_are_cut(string problem)
    {
        Conv2dDims dims = Conv2dDims.Parse(problem);
        var method = new Im2ColConvolution(dims, smallKernels: true, blockFloats: 2048);
        Assert.NotEqual(1, method.ForwardBlocks(1));
        using var data = new ConvolutionPassesCase(dims, new SeededRandom(3));
        foreach (int threads in (int[])[1, 3])
        {
            using var context = new ComputeContext(threads);
            data.Check(method, context);
        }
    }

    [Fact]
    public void Many_workers_find_little_to_do()
    {
        Conv2dDims dims = Conv2dDims.Parse("mb1ic64ih4oc64oh4kh3ph1nhwc");
        using var data = new ConvolutionPassesCase(dims, new SeededRandom(6));
        using var context = new ComputeContext(64);
        foreach (ConvolutionMethod method in TestedMethods.For(dims))
            data.Check(method, context);
    }

    [Theory]
    [MemberData(nameof(ShapeTable.Convolutions), MemberType = typeof(ShapeTable))]
    public void The_three_passes_are_adjoint(string problem)
    {
        // y is linear in x and in w, so <y, dy> = <x, dx> = <w, dw>, whatever the numbers.
        foreach (Conv2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new ConvolutionPassesCase(dims, new SeededRandom(3), bias: false);
            using var context = new ComputeContext(2);
            foreach (ConvolutionMethod method in TestedMethods.For(dims))
            {
                data.Run(method, context);
                data.DW.Span.Clear();
                method.BackwardWeights(data.X.Span, data.DY.Span, data.DW.Span, [], context);
                double y = Dot(data.Y.Span, data.DY.Span), x = Dot(data.X.Span, data.DX.Span), w = Dot(data.W.Span, data.DW.Span);
                double tolerance = 1e-6 * Math.Sqrt(Dot(data.Y.Span, data.Y.Span) * Dot(data.DY.Span, data.DY.Span)) + 1e-9;
                Assert.InRange(x, y - tolerance, y + tolerance);
                Assert.InRange(w, y - tolerance, y + tolerance);
            }
        }
    }

    [Theory]
    [InlineData("mb1ic3ih3oc4oh3kh3ph1", Layout.Nhwc)]
    [InlineData("g2mb2ic4ih5oc6oh3kh3sh2ph1", Layout.Nhwc)]
    [InlineData("mb2ic5ih4oc3oh4kh1ph0", Layout.Nhwc)]
    public void Gradients_are_what_a_small_change_does(string problem, Layout layout)
    {
        // The loss <y, dy> is linear in each number, and on whole numbers exact: a step of 1 gives the derivative itself.
        Conv2dDims dims = Conv2dDims.Parse(problem).In(layout);
        using var data = new ConvolutionPassesCase(dims, new SeededRandom(4), integers: true);
        using var context = new ComputeContext(1);
        foreach (ConvolutionMethod method in TestedMethods.For(dims))
        {
            data.Run(method, context);
            data.DW.Span.Clear();
            data.DB.Span.Clear();
            method.BackwardWeights(data.X.Span, data.DY.Span, data.DW.Span, data.DB.Span, context);
            foreach (var (value, gradient) in ((GuardedBuffer, GuardedBuffer)[])[(data.X, data.DX), (data.W, data.DW), (data.B, data.DB)])
            {
                for (int i = 0; i < value.Length; i++)
                {
                    float before = value.Span[i];
                    value.Span[i] = before + 1;
                    double up = Loss(method);
                    value.Span[i] = before - 1;
                    double down = Loss(method);
                    value.Span[i] = before;
                    Assert.Equal((up - down) / 2, gradient.Span[i]);
                }
            }
        }

        double Loss(ConvolutionMethod method)
        {
            method.Forward(data.X.Span, data.W.Span, data.B.Span, relu: false, data.Y.Span, context);
            return Dot(data.Y.Span, data.DY.Span);
        }
    }

    [Theory]
    [InlineData("mb5ic20ih12oc50oh8kh5", 2)]
    [InlineData("mb3ic7ih30oc9oh30kh3ph1", 3)]
    [InlineData("mb3ic70ih9oc40oh9kh1", 2)]
    [InlineData("g24mb3ic24ih9oc24oh9kh3ph1", 3)]
    public void Reruns_give_the_same_bits(string problem, int threads)
    {
        foreach (Conv2dDims dims in Layouts(Conv2dDims.Parse(problem)))
        {
            using var data = new ConvolutionPassesCase(dims, new SeededRandom(5));
            foreach (ConvolutionMethod method in TestedMethods.For(dims))
            {
                int[]? first = null;
                for (int run = 0; run < 4; run++)
                {
                    using var context = new ComputeContext(threads);
                    data.Run(method, context);
                    data.Run(method, context);
                    Assert.Equal(first ??= data.Bits(), data.Bits());
                }
            }
        }
    }

    [Fact]
    public void Refuse_with_a_reason()
    {
        Conv2dDims nchw = Conv2dDims.Parse("g2mb1ic4ih8oc4oh8kh3ph1");
        Assert.Contains("NHWC", NhwcIm2ColConvolution.Refusal(nchw), StringComparison.Ordinal);
        Assert.Contains("NHWC", TapsConvolution.Refusal(nchw), StringComparison.Ordinal);
        Assert.Contains("NHWC", PointwiseNhwcConvolution.Refusal(nchw), StringComparison.Ordinal);
        Assert.Contains("3x3", PointwiseNhwcConvolution.Refusal(nchw.In(Layout.Nhwc)), StringComparison.Ordinal);
        Assert.Contains("2x2", PointwiseNhwcConvolution.Refusal(Conv2dDims.Parse("mb1ic4ih7oc4oh4kh1sh2ph0").In(Layout.Nhwc)), StringComparison.Ordinal);
        Assert.Contains("padding", PointwiseNhwcConvolution.Refusal(Conv2dDims.Parse("mb1ic4ih7oc4oh9kh1ph1").In(Layout.Nhwc)), StringComparison.Ordinal);
        Assert.Contains("groups", PointwiseNhwcConvolution.Refusal(Conv2dDims.Parse("g2mb1ic4ih7oc4oh7kh1ph0").In(Layout.Nhwc)), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_lengths_are_named_before_anything_is_computed()
    {
        Conv2dDims dims = Conv2dDims.Parse("mb1ic4ih7oc4oh7kh1ph0").In(Layout.Nhwc);
        using var context = new ComputeContext(1);
        foreach (ConvolutionMethod method in TestedMethods.For(dims))
        {
            var e = Assert.Throws<ArgumentException>(() => method.Forward(new float[195], new float[16], [], relu: false, new float[196], context));
            Assert.Equal("x", e.ParamName);
            Assert.Contains("195", e.Message, StringComparison.Ordinal);
            Assert.Contains("196", e.Message, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<Conv2dDims> Layouts(Conv2dDims dims) => [dims.In(Layout.Nchw), dims.In(Layout.Nhwc)];

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}
