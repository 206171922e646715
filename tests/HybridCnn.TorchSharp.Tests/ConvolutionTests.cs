using static TorchSharp.torch;

namespace HybridCnn.TorchSharp.Tests;

public class ConvolutionTests
{
    public static TheoryData<long[], string> Problems()
    {
        // n, ic, h, w, oc, kernel, stride, padding, dilation, groups, bias
        long[][] problems =
        [
            [2, 16, 12, 12, 32, 3, 1, 1, 1, 1, 1], [3, 32, 9, 7, 16, 3, 1, 1, 1, 1, 0], [2, 3, 33, 31, 16, 7, 2, 3, 1, 1, 0], [2, 64, 8, 8, 64, 1, 1, 0, 1, 1, 1],
            [1, 64, 9, 9, 32, 1, 2, 0, 1, 1, 0], [2, 32, 11, 11, 48, 3, 2, 1, 1, 1, 1], [2, 8, 10, 10, 8, 3, 1, 1, 1, 8, 1], [2, 16, 9, 9, 32, 3, 1, 1, 1, 4, 0],
            [2, 6, 14, 14, 10, 5, 1, 0, 1, 1, 1], [1, 16, 13, 13, 16, 3, 1, 2, 2, 1, 1], [2, 1, 28, 28, 20, 5, 1, 0, 1, 1, 1], [1, 16, 3, 3, 16, 3, 1, 0, 1, 1, 1],
        ];
        var data = new TheoryData<long[], string>();
        foreach (long[] problem in problems)
        {
            foreach (string order in (string[])["nchw", "nhwc", "other"])
                data.Add(problem, order);
        }

        return data;
    }

    [TorchTheory]
    [MemberData(nameof(Problems))]
    public void Passes_agree_with_PyTorch(long[] p, string order)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var original = nn.Conv2d(p[1], p[4], p[5], p[6], p[7], p[8], groups: p[9], bias: p[10] == 1);
        var ours = new HybridConv2d(original);
        long fallbacks = TorchFallbacks.Count;
        Compare.Run(original.forward, ours.forward, Compare.Images(p[0], p[1], p[2], p[3], order), [.. ours.parameters()], $"{string.Join(' ', p)} {order}");
        Assert.Equal(fallbacks, TorchFallbacks.Count);
        Assert.Equal(1, ours.Calls);
        Assert.Contains("Forward:", ours.Explain(), StringComparison.Ordinal);
    }

    [TorchFact]
    public void Same_padding_of_an_even_kernel_is_one_more_below_and_on_the_right()
    {
        using var scope = NewDisposeScope();
        var original = nn.Conv2d(16, 16, 4, padding: Padding.Same);
        Compare.Run(original.forward, new HybridConv2d(original).forward, randn(2, 16, 9, 8), [.. original.parameters()], "same");
    }

    [TorchFact]
    public void Padding_of_another_kind_is_refused()
    {
        using var original = nn.Conv2d(4, 4, 3, padding: 1, padding_mode: PaddingModes.Reflect);
        Assert.Contains("Reflect", HybridConv2d.Refusal(original)!, StringComparison.Ordinal);
        Assert.Contains("Reflect", Assert.Throws<ArgumentException>(() => new HybridConv2d(original)).Message, StringComparison.Ordinal);
    }

    [TorchFact]
    public void What_the_engine_does_not_take_goes_to_PyTorch_and_counts()
    {
        using var scope = NewDisposeScope();
        var ours = new HybridConv2d(4, 8, 3, padding: 1);
        void Falls(Tensor x, string reason)
        {
            long before = TorchFallbacks.Count;
            Tensor y = ours.forward(x);
            Assert.Equal(8, y.shape[^3]);
            Assert.Equal(before + 1, TorchFallbacks.Count);
            Assert.Contains(TorchFallbacks.Reasons, text => text.Contains(reason, StringComparison.Ordinal));
        }

        Falls(randn(4, 9, 9), "3 dimensions");
        Falls(randn(0, 4, 9, 9), "x is empty");
        ours.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, ours.Weight.dtype);
        Falls(randn(2, 4, 9, 9, dtype: ScalarType.Float64), "x is Float64");
        ours.to(ScalarType.Float32);
        long count = TorchFallbacks.Count;
        ours.forward(randn(2, 4, 9, 9));
        Assert.Equal(count, TorchFallbacks.Count);
        string message = Assert.Throws<ArgumentException>(() => ours.forward(randn(2, 5, 9, 9))).Message;
        Assert.Contains("4 input channels", message, StringComparison.Ordinal);
    }

    [TorchFact]
    public void Without_a_graph_nothing_is_kept_and_frozen_parameters_get_no_gradient()
    {
        using var scope = NewDisposeScope();
        var ours = new HybridConv2d(16, 16, 3);
        Tensor x = randn(2, 16, 8, 8);
        using (no_grad())
            Assert.False(ours.forward(x).requires_grad);
        ours.Weight.requires_grad = false;
        Tensor y = ours.forward(x);
        y.sum().backward();
        Assert.Null(ours.Weight.grad);
        Compare.AssertClose(full(16, 2 * 6 * 6f), ours.Bias!.grad, "bias");
        ours.Bias.requires_grad = false;
        Assert.False(ours.forward(x).requires_grad);
    }

    [TorchFact]
    public void A_tensor_that_was_changed_between_the_passes_is_an_error_with_its_cause()
    {
        using var scope = NewDisposeScope();
        var ours = new HybridConv2d(16, 16, 3);
        Tensor x = randn(2, 16, 8, 8), y = ours.forward(x);
        using (no_grad())
            x.add_(1);
        Exception failure = Assert.ThrowsAny<Exception>(() => y.sum().backward());
        Assert.Contains("invalid gradient", failure.Message, StringComparison.Ordinal);
        Assert.Contains("modified by an inplace operation", BackwardFailure.Last!.Message, StringComparison.Ordinal);
    }

    [TorchFact]
    public void Threads_share_a_module()
    {
        using var scope = NewDisposeScope();
        var original = nn.Conv2d(16, 16, 3, padding: 1);
        var ours = new HybridConv2d(original);
        Tensor[] inputs = [.. Enumerable.Range(0, 4).Select(i => randn(1 + i, 16, 10, 10))];
        Tensor[] expected = [.. inputs.Select(x => original.forward(x).detach())];
        var failures = new List<string>();
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(i => new Thread(() =>
        {
            for (int round = 0; round < 50; round++)
            {
                using var own = NewDisposeScope();
                Tensor x = inputs[i].detach().requires_grad_(true), y = ours.forward(x);
                autograd.grad([y.sum()], [x]);
                float difference = (y - expected[i]).detach().abs().max().item<float>();
                if (!(difference < 1e-4))
                {
                    lock (failures)
                        failures.Add($"thread {i}, round {round}: {difference}");
                }
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Empty(failures);
    }
}
