using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Operators;

public class ConvolutionChoiceTests
{
    [Fact]
    public void Explains_its_choice()
    {
        var two = new ComputeOptions { Threads = 2 };
        var lowered = new ConvolutionPlan(Conv2dDims.Parse("mb64ic20ih12oc50oh8kh5"), ConvolutionAlgorithm.Automatic, two, smallKernels: true);
        Assert.Equal(ConvolutionAlgorithm.Im2Col, lowered.Algorithm(ConvolutionPass.Forward));
        Assert.StartsWith(
            """
            mb64ic20ih12oc50oh8kh5: 204.8 MFLOP a pass, Fast, 2 shares of work
              Forward: Im2Col, blocks of 8 output rows and 20 channels: 500 x 64 lowered floats, 125 KiB; workspace 470.9 KiB
                Pointwise: the kernel is 5x5, not 1x1
            """.ReplaceLineEndings(),
            lowered.Explain());

        var pointwise = new ConvolutionPlan(Conv2dDims.Parse("mb2ic8ih6oc4oh6kh1"), ConvolutionAlgorithm.Automatic, two, smallKernels: false);
        Assert.Equal(ConvolutionAlgorithm.Pointwise, pointwise.Algorithm(ConvolutionPass.BackwardWeights));
        Assert.Contains("no lowering, blocks of 36 pixels", pointwise.Explain());

        var forced = new ConvolutionPlan(Conv2dDims.Parse("mb2ic8ih6oc4oh6kh1"), ConvolutionAlgorithm.Im2Col);
        Assert.Contains("asked for", forced.Explain());
    }

    [Theory]
    [InlineData("mb1ic1ih5oc1kh3", "the kernel is 3x3, not 1x1")]
    [InlineData("mb1ic1ih5oc1kh1sh2", "the stride is 2x2, not 1x1")]
    [InlineData("mb1ic1ih5oc1kh1ph1", "the padding is 1, 1, 1, 1, not 0")]
    public void Pointwise_cannot_be_forced_on_what_it_does_not_take(string problem, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>("algorithm", () => new ConvolutionPlan(Conv2dDims.Parse(problem), ConvolutionAlgorithm.Pointwise)).Message);

    [Theory]
    [InlineData("mb2ic64ih28oc64kh3ph1nhwc", Precision.Fast, ConvolutionAlgorithm.WinogradF4)]
    [InlineData("mb2ic64ih28oc64kh3ph1nhwc", Precision.Precise, ConvolutionAlgorithm.WinogradF2)]
    [InlineData("mb2ic128ih28oc128kh3ph1nhwc", Precision.Exact, ConvolutionAlgorithm.Taps)]
    [InlineData("mb2ic64ih28oc64kh1nhwc", Precision.Fast, ConvolutionAlgorithm.Pointwise)]
    [InlineData("g64mb2ic64ih28oc64kh3ph1nhwc", Precision.Fast, ConvolutionAlgorithm.Depthwise)]
    [InlineData("g64mb2ic64ih28oc64kh3ph1", Precision.Fast, ConvolutionAlgorithm.Direct)]
    [InlineData("mb2ic64ih28oc64kh3ph1", Precision.Fast, ConvolutionAlgorithm.Im2Col)]
    public void Chooses_by_layout_precision_and_shape(string problem, Precision precision, ConvolutionAlgorithm expected)
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse(problem), ConvolutionAlgorithm.Automatic, new ComputeOptions { Precision = precision }, smallKernels: true);
        Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.Equal(expected, plan.Algorithm(pass)));
    }

    [Theory]
    [InlineData("mb8ic240ih14oc512oh7kh3sh2ph1nhwc", "slower for strided rows of less than 14 pixels, these have 7")]
    [InlineData("mb64ic20ih12oc50oh8kh5nhwc", "slower below 64 channels for rows of less than 14 pixels, these are 20 and 8")]
    [InlineData("mb8ic256ih28oc256oh14kh3sh2ph1nhwc", null)]
    [InlineData("mb8ic128ih7oc128kh5ph2nhwc", null)]
    public void Lowers_short_rows_of_pixels(string problem, string? reason)
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse(problem), ConvolutionAlgorithm.Automatic, ComputeOptions.Default, smallKernels: true);
        ConvolutionAlgorithm expected = reason is null ? ConvolutionAlgorithm.Taps : ConvolutionAlgorithm.Im2Col;
        Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.Equal(expected, plan.Algorithm(pass)));
        Assert.Contains(reason ?? "", plan.Explain());
    }

    [Fact]
    public void Short_patches_are_multiplied_in_registers_where_one_sweep_writes_y()
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse("mb2ic3ih28oc32kh3ph1nhwc"), ConvolutionAlgorithm.Automatic, ComputeOptions.Default, smallKernels: true);
        // Registers of 256 bits need two for 32 filters.
        ConvolutionAlgorithm expected = PatchProducts.Sweep(32) >= 32 ? ConvolutionAlgorithm.FewChannels : ConvolutionAlgorithm.Im2Col;
        Assert.Equal(expected, plan.Algorithm(ConvolutionPass.Forward));
        Assert.Equal(ConvolutionAlgorithm.FewChannels, plan.Algorithm(ConvolutionPass.BackwardData));
        Assert.Equal(ConvolutionAlgorithm.FewChannels, plan.Algorithm(ConvolutionPass.BackwardWeights));
    }

    [Theory]
    [InlineData("mb2ic3ih28oc64kh7sh2ph3nhwc", ConvolutionAlgorithm.FewChannels, ConvolutionAlgorithm.FewChannels, ConvolutionAlgorithm.FewChannels)]
    [InlineData("mb2ic3ih28oc64kh7sh3ph3nhwc", ConvolutionAlgorithm.FewChannels, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.FewChannels)]
    [InlineData("mb2ic3ih28oc96kh3ph1nhwc", ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.FewChannels, ConvolutionAlgorithm.FewChannels)]
    [InlineData("mb2ic3ih28oc16kh3ph1nhwc", ConvolutionAlgorithm.FewChannels, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.FewChannels)]
    [InlineData("mb2ic3ih28oc8kh3ph1nhwc", ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col)]
    [InlineData("mb2ic3ih28oc32kh3ph1", ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col)]
    [InlineData("mb2ic1ih28oc6kh5ph2", ConvolutionAlgorithm.Direct, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col)]
    [InlineData("mb2ic6ih14oc16kh5", ConvolutionAlgorithm.Direct, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col)]
    [InlineData("mb2ic6ih14oc16kh5sh2", ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col, ConvolutionAlgorithm.Im2Col)]
    public void Chooses_for_few_channels_by_filters_and_length_of_patches(
        string problem, ConvolutionAlgorithm forward, ConvolutionAlgorithm backwardData, ConvolutionAlgorithm backwardWeights)
    {
        var plan = new ConvolutionPlan(Conv2dDims.Parse(problem), ConvolutionAlgorithm.Automatic, ComputeOptions.Default, smallKernels: true);
        Assert.Equal(forward, plan.Algorithm(ConvolutionPass.Forward));
        Assert.Equal(backwardData, plan.Algorithm(ConvolutionPass.BackwardData));
        Assert.Equal(backwardWeights, plan.Algorithm(ConvolutionPass.BackwardWeights));
    }

    [Fact]
    public void Keeps_to_the_limit_of_the_workspace()
    {
        var dims = Conv2dDims.Parse("mb1ic512ih14oc512kh3ph1nhwc");
        var tight = new ConvolutionPlan(dims, options: new ComputeOptions { WorkspaceLimit = 1000 });
        Assert.Equal(ConvolutionAlgorithm.Im2Col, tight.Algorithm(ConvolutionPass.Forward));
        Assert.Contains("the limit is 1000", tight.Explain());
        Assert.All(Enum.GetValues<ConvolutionPass>(), pass => Assert.InRange(new ConvolutionPlan(dims).WorkspaceBytes(pass), 1, ComputeOptions.Default.WorkspaceLimit));
    }

    [Fact]
    public void The_environment_names_an_algorithm_or_an_error()
    {
        Assert.Null(ConvolutionRules.FromEnvironment(null));
        Assert.Null(ConvolutionRules.FromEnvironment("automatic"));
        Assert.Equal(ConvolutionAlgorithm.WinogradF2, ConvolutionRules.FromEnvironment("winogradf2"));
        Assert.Contains("HYBRIDCNN_CONV_ALGO=fft: expected one of Automatic, ", Assert.Throws<InvalidOperationException>(() => ConvolutionRules.FromEnvironment("fft")).Message);
        Assert.Throws<InvalidOperationException>(() => ConvolutionRules.FromEnvironment("3"));
    }

    [Theory]
    [InlineData("mb5ic20ih12oc50oh8kh5")]
    [InlineData("mb3ic32ih14oc32kh3ph1nhwc")]
    [InlineData("mb3ic32ih14oc32kh3ph1sh2nhwc")]
    [InlineData("mb3ic32ih14oc32kh1nhwc")]
    [InlineData("mb3ic3ih14oc32kh3ph1nhwc")]
    [InlineData("g32mb3ic32ih14oc32kh3ph1nhwc")]
    [InlineData("g32mb3ic32ih14oc32kh3ph1")]
    public void Deterministic_gives_the_same_bits_for_any_number_of_threads(string problem)
    {
        var dims = Conv2dDims.Parse(problem);
        var random = new SeededRandom(8);
        float[] x = Normal(dims.XCount), w = Normal(dims.WeightsCount), dy = Normal(dims.YCount);
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3, 4])
        {
            var options = new ComputeOptions { Threads = threads, Deterministic = true };
            using var context = new ComputeContext(options);
            var plan = new ConvolutionPlan(dims, options: options);
            float[] y = new float[dy.Length], dx = new float[x.Length], dw = new float[w.Length], db = new float[dims.OC];
            plan.Forward(x, w, [], y, context);
            plan.BackwardData(dy, w, dx, context);
            plan.BackwardWeights(x, dy, dw, db, context);
            float[] all = [.. y, .. dx, .. dw, .. db];
            first ??= all;
            Assert.Equal(first.Select(BitConverter.SingleToInt32Bits), all.Select(BitConverter.SingleToInt32Bits));
        }

        float[] Normal(long count) => [.. Enumerable.Range(0, (int)count).Select(_ => random.NextNormal())];
    }
}
