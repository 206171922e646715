using HybridCnn.Compute;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace HybridCnn.TorchSharp.Tests;

public class ThreadsTests
{
    [TorchFact]
    public void The_engine_computes_on_the_threads_of_PyTorch_unless_there_are_too_few()
    {
        using var scope = NewDisposeScope();
        int theirs = get_num_threads();
        try
        {
            set_num_threads(2);
            Assert.Equal("2 threads, PyTorch's", Network().UseHybridCnn().Threads);
            Assert.Equal("2 threads, PyTorch's", Network().UseHybridCnn(new ComputeOptions { Threads = 2 }).Threads);
            Assert.Equal("3 threads of the engine beside PyTorch's: PyTorch has 2", Network().UseHybridCnn(new ComputeOptions { Threads = 3 }).Threads);
            Assert.Equal("1 thread", Network().UseHybridCnn(new ComputeOptions { Threads = 1 }).Threads);
            Assert.Equal("2 threads of ParallelFor", Network().UseHybridCnn(new ComputeOptions { Threads = 2, ParallelFor = InTurn }).Threads);
        }
        finally
        {
            set_num_threads(theirs);
        }
    }

    [TorchFact]
    public void Their_threads_give_the_bits_of_the_engines_own()
    {
        using var scope = NewDisposeScope();
        int theirs = get_num_threads();
        try
        {
            set_num_threads(2);
            float[] on = Gradients(new ComputeOptions { Threads = 2 });
            Assert.Equal(on, Gradients(new ComputeOptions { Threads = 2, ParallelFor = InTurn }));
            // With fewer threads than shares, the shares are the same.
            var fewer = new ComputeOptions { Threads = 2, WorkspaceLimit = (64 << 20) - 1 };
            Assert.Equal(on, Gradients(fewer));
            set_num_threads(1);
            Assert.Equal(on, Gradients(fewer));
        }
        finally
        {
            set_num_threads(theirs);
        }
    }

    [TorchFact]
    public void Several_threads_train_at_the_same_time()
    {
        float[][] results = new float[4][];
        Thread[] callers = [.. Enumerable.Range(0, results.Length).Select(i => new Thread(() => results[i] = Repeated(i)))];
        foreach (Thread caller in callers)
            caller.Start();
        foreach (Thread caller in callers)
            caller.Join();
        Assert.All(results, result => Assert.Equal(results[0], result));

        static float[] Repeated(int caller)
        {
            using var scope = NewDisposeScope();
            // A pair of callers on a context, each pair on another one.
            var options = new ComputeOptions { Threads = Math.Min(2, get_num_threads()), WorkspaceLimit = (64 << 20) - caller % 2 };
            float[] first = Gradients(options);
            for (int i = 0; i < 20; i++)
                Assert.Equal(first, Gradients(options));
            return first;
        }
    }

    private static void InTurn(int count, Action<int> body)
    {
        for (int i = count; --i >= 0;)
            body(i);
    }

    private static float[] Gradients(ComputeOptions options)
    {
        using var scope = NewDisposeScope();
        using Tensor weights = (arange(9 * 16 * 16, ScalarType.Float32) * 0.37).sin(), x = (arange(4 * 16 * 15 * 13, ScalarType.Float32) * 0.61).sin().reshape(4, 16, 15, 13);
        var convolution = new HybridConv2d(16, 16, 3, padding: 1, bias: false, options: options);
        using (no_grad())
            convolution.Weight.copy_(weights.reshape(16, 16, 3, 3));
        x.requires_grad_(true);
        Tensor y = convolution.forward(x);
        y.backward([y.detach()]);
        return [.. y.contiguous().data<float>(), .. x.grad!.contiguous().data<float>(), .. convolution.Weight.grad!.contiguous().data<float>()];
    }

    private static Module<Tensor, Tensor> Network() => Sequential(Conv2d(3, 4, 3), Flatten());
}
