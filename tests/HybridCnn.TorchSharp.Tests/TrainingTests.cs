using System.Diagnostics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace HybridCnn.TorchSharp.Tests;

public class TrainingTests
{
    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_swapped_network_learns_what_the_original_learns(bool channelsLast)
    {
        using var scope = NewDisposeScope();
        (float[] expected, float[] losses) = (Losses(swap: false, channelsLast), Losses(swap: true, channelsLast));
        Assert.True(losses[^1] < 0.8 * losses[0], string.Join(' ', losses));
        foreach (var (theirs, ours) in expected.Zip(losses))
            Assert.True(Math.Abs(theirs - ours) <= 2e-3 * theirs, $"{string.Join(' ', losses)} instead of {string.Join(' ', expected)}");
    }

    [TorchFact]
    public void A_thousand_steps_leave_nothing_behind()
    {
        using var model = Network();
        model.UseHybridCnn();
        using Tensor x = randn(4, 3, 16, 16);
        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var scope = NewDisposeScope();
                model.zero_grad();
                model.forward(x).sum().backward();
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }

        Steps(300);
        long before = ResidentBytes();
        Steps(1000);
        long grown = ResidentBytes() - before;
        // One activation of the network is 64 KB: of 1000 steps it would be 64 MB.
        Assert.True(grown < 16 << 20, $"{grown / 1024} KB more");
    }

    [TorchFact]
    public void Without_a_dispose_scope_the_collector_frees_what_a_step_made()
    {
        using var model = Network();
        model.UseHybridCnn();
        using Tensor x = randn(4, 3, 16, 16);
        long alive = 0;
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 20; i++)
            {
                model.zero_grad();
                using Tensor y = model.forward(x), loss = y.sum();
                loss.backward();
            }

            GC.Collect();
            GC.WaitForPendingFinalizers();
            long now = torch.Tensor.TotalCount;
            Assert.True(round == 0 || now <= alive, $"{now} tensors, {alive} before");
            alive = now;
        }
    }

    private static long ResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static float[] Losses(bool swap, bool channelsLast)
    {
        manual_seed(1);
        Module<Tensor, Tensor> model = Network();
        if (swap)
            Assert.Empty(model.UseHybridCnn().Refused);
        using var optimizer = optim.SGD(model.parameters(), 0.05, momentum: 0.9);
        Tensor x = Compare.Images(8, 3, 16, 16, channelsLast ? "nhwc" : "nchw"), labels = randint(4, 8, ScalarType.Int64);
        return [.. Enumerable.Range(0, 8).Select(_ =>
        {
            optimizer.zero_grad();
            Tensor loss = functional.cross_entropy(model.forward(x), labels);
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        })];
    }

    private static global::TorchSharp.Modules.Sequential Network() => Sequential(
        Conv2d(3, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(inplace: true), Conv2d(16, 16, 3, padding: 1), ReLU(inplace: true), MaxPool2d(2),
        Conv2d(16, 32, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(32), ReLU(inplace: true), AdaptiveAvgPool2d(1), Flatten(), Linear(32, 4));
}
