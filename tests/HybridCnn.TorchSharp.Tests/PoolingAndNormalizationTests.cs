using static TorchSharp.torch;

namespace HybridCnn.TorchSharp.Tests;

public class PoolingAndNormalizationTests
{
    [TorchTheory]
    [InlineData(2, 2, 0, 1, false, "nchw")]
    [InlineData(2, 2, 0, 1, false, "nhwc")]
    [InlineData(3, 2, 1, 1, false, "nhwc")]
    [InlineData(3, 2, 1, 1, true, "nchw")]
    [InlineData(3, 2, 0, 1, true, "nhwc")]
    [InlineData(2, 1, 1, 2, false, "nhwc")]
    [InlineData(2, 3, 0, 2, false, "other")]
    [InlineData(17, 2, 0, 1, false, "nhwc")]
    public void Max_pooling_agrees_with_PyTorch(int kernel, int stride, int padding, int dilation, bool ceil, string order)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var original = nn.MaxPool2d(kernel, stride, padding, dilation, ceil);
        Compare.Run(original.forward, new HybridMaxPool2d(original).forward, Compare.Images(2, 5, 19, 18, order), [], $"{kernel} {stride} {padding} {dilation} {ceil} {order}");
    }

    [TorchTheory]
    [InlineData("nchw", true, false)]
    [InlineData("nhwc", true, false)]
    [InlineData("nhwc", true, true)]
    [InlineData("other", true, true)]
    [InlineData("nchw", false, true)]
    [InlineData("nhwc", false, false)]
    public void Batch_normalization_agrees_with_PyTorch(string order, bool training, bool relu)
    {
        foreach (string kind in (string[])["usual", "cumulative", "not affine", "no statistics"])
        {
            using var scope = NewDisposeScope();
            manual_seed(5);
            (global::TorchSharp.Modules.BatchNorm2d original, global::TorchSharp.Modules.BatchNorm2d taken) = (Make(kind), Make(kind));
            var ours = new HybridBatchNorm2d(taken, relu);
            original.train(training);
            ours.train(training);
            using (no_grad())
            {
                foreach (var (theirs, own) in original.parameters().Zip(ours.parameters()))
                {
                    theirs.copy_(randn(6));
                    own.copy_(theirs);
                }
            }

            for (int step = 0; step < 3; step++)
            {
                Tensor x = Compare.Images(3, 6, 7, 5, order) + 2;
                Tensor leaf = x.detach().requires_grad_(true), ourLeaf = x.detach().requires_grad_(true);
                Tensor y = relu ? nn.functional.relu(original.forward(leaf)) : original.forward(leaf), ourY = ours.forward(ourLeaf);
                Tensor dy = randn(y.shape);
                y.backward([dy]);
                ourY.backward([dy]);
                string what = $"{kind} {order} training {training} relu {relu} step {step}";
                Compare.AssertClose(y, ourY, $"{what} y");
                Compare.AssertClose(leaf.grad!, ourLeaf.grad, $"{what} dx");
                foreach (var (theirs, own) in original.named_parameters().Zip(ours.named_parameters()))
                    Compare.AssertClose(theirs.parameter.grad!, own.parameter.grad, $"{what} {theirs.name}");
                Assert.Equal(original.state_dict().Keys, ours.state_dict().Keys);
                foreach (var (name, buffer) in original.named_buffers())
                    Compare.AssertClose(buffer.to_type(ScalarType.Float32), ours.state_dict()[name].to_type(ScalarType.Float32), $"{what} {name}");
            }
        }
    }

    [TorchFact]
    public void Gradients_may_be_differentiated_again_by_PyTorch()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var convolution = nn.Conv2d(3, 6, 3, padding: 1);
        var normalization = nn.BatchNorm2d(6);
        normalization.eval();
        (Tensor First, Tensor Weight) Second(Func<Tensor, Tensor> function)
        {
            convolution.weight.grad = null;
            manual_seed(4);
            Tensor x = randn(2, 3, 8, 8).requires_grad_(true);
            Tensor first = autograd.grad([function(x).pow(2).sum()], [x], retain_graph: true, create_graph: true)[0];
            first.pow(2).sum().backward();
            return (first.detach(), convolution.weight.grad!.clone());
        }

        (Tensor first, Tensor weight) = Second(x => nn.functional.relu(normalization.forward(nn.functional.max_pool2d(convolution.forward(x), 2))));
        HybridConv2d ourConvolution = new(convolution);
        HybridMaxPool2d pooling = new(2);
        HybridBatchNorm2d ourNormalization = new(normalization, relu: true);
        long before = TorchFallbacks.Count;
        (Tensor ourFirst, Tensor ourWeight) = Second(x => ourNormalization.forward(pooling.forward(ourConvolution.forward(x))));
        Compare.AssertClose(first, ourFirst, "first");
        Compare.AssertClose(weight, ourWeight, "weight of second");
        Assert.Equal(before + 3, TorchFallbacks.Count);
    }

    private static global::TorchSharp.Modules.BatchNorm2d Make(string kind)
    {
        global::TorchSharp.Modules.BatchNorm2d made = nn.BatchNorm2d(6, 1e-3, affine: kind != "not affine", track_running_stats: kind != "no statistics");
        if (kind == "cumulative")
            made.momentum = null;
        return made;
    }
}
