using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

public class DeterministicTrainingTests
{
    [Theory]
    [InlineData("lenet5")]
    [InlineData("vgg-cifar")]
    public void Three_steps_give_the_same_bits_for_any_number_of_threads(string model)
    {
        Dictionary<string, int[]> expected = Train(model, 1);
        foreach (int threads in (int[])[2, 3, 4])
        {
            foreach (var (name, bits) in Train(model, threads))
                Assert.True(bits.AsSpan().SequenceEqual(expected[name]), $"{model} on {threads} threads: {name} differs");
        }
    }

    // Weights and running statistics after three steps, as bits.
    private static Dictionary<string, int[]> Train(string model, int threads)
    {
        using var context = new ComputeContext(new ComputeOptions { Threads = threads, Deterministic = true });
        var shape = new Shape(5, 1, 28, 28);
        Trainer trainer = TrainerTests.Create(model, context, shape);
        var loader = new BatchLoader(TrainerTests.Blobs(15), 5, new SeededRandom(3));
        Assert.Equal(15, trainer.TrainEpoch(loader).Count);
        return trainer.Network.NamedState.ToDictionary(named => named.Name, named => Bits(named.Parameter.Value));
    }

    private static int[] Bits(Tensor tensor) => [.. tensor.Span.ToArray().Select(BitConverter.SingleToInt32Bits)];
}
