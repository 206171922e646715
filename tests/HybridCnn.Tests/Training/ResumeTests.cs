using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>N steps, everything saved, restored into fresh objects, N steps = 2N steps, bit for bit.</summary>
public class ResumeTests
{
    private const int Half = 4, PerEpoch = 3;

    private static readonly Shape s_batch = new(4, 1, 28, 28);

    public static TheoryData<string> Optimizers => TrainingParts.OptimizerNames;

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Half_and_half_is_the_whole(string optimizer)
    {
        using ComputeContext context = new(2);
        Trainer whole = Create(optimizer, context), first = Create(optimizer, context), second = Create(optimizer, context);
        Run(whole, 0, 2 * Half);
        Run(first, 0, Half);
        Assert.NotEqual(Bits(whole), Bits(first));
        Restore(Save(first), second);
        Assert.Equal(Bits(first), Bits(second));
        Run(second, Half, 2 * Half);
        Assert.Equal((2L * Half, whole.Epoch), (second.Steps, second.Epoch));
        Assert.Equal(Bits(whole), Bits(second));
    }

    [Fact]
    public void Every_name_stands_once_and_counters_are_whole_numbers()
    {
        using ComputeContext context = new(1);
        TrainingState state = Create("adam amsgrad", context).State;
        string[] names = [.. state.Tensors.Select(named => named.Name), .. state.Numbers.Select(number => number.Name)];
        Assert.Equal(names.Distinct(), names);
        foreach (string name in new[] { "trainer.epoch", "trainer.steps", "optimizer.steps", "optimizer.learning_rate", "optimizer.mean.0", "schedule.best", "average.updates", "average.0.weight" })
            Assert.Contains(name, names);
        NamedNumber steps = state.Numbers.Single(number => number.Name == "optimizer.steps");
        Assert.All((double[])[-1, 0.5, double.NaN, 1e300], bad => Assert.Throws<ArgumentOutOfRangeException>(() => steps.Value = bad));
        Assert.Equal(0, steps.Value);
    }

    private static Trainer Create(string optimizer, ComputeContext context)
    {
        var random = new SeededRandom(1);
        Network network = new Sequential(
            new Conv2d(1, 8, 5, stride: 2, random: random), new BatchNorm2d(8), new ReLU(), new MaxPool2d(2), new Conv2d(8, 16, 3, random: random), new BatchNorm2d(16), new ReLU(),
            new Flatten(), new Linear(16 * 4 * 4, 4, random: random));
        Optimizer own = TrainingParts.CreateOptimizer(optimizer, network.Parameters);
        own.DecayWeightsOnly();
        return new Trainer(network, new SoftmaxCrossEntropy(0.1f), own, context, s_batch)
        {
            Schedule = new WarmUpSchedule(new PlateauSchedule(own.LearningRate, 0.5, patience: 0), 1, 0.1),
            Clipping = new GradientClipping(network.Parameters, norm: 1),
            Average = new WeightAverage(network, 0.95f),
        };
    }

    // Images and measures of a step follow from its number, so that every half sees what the whole sees.
    private static void Run(Trainer trainer, int from, int to)
    {
        for (int step = from; step < to; step++)
        {
            var random = new SeededRandom((ulong)step);
            trainer.Step(Tensor.From(s_batch, random.Floats(s_batch.Count)), [step % 4, 1, 2, 3]);
            if (step % PerEpoch == PerEpoch - 1)
                trainer.Schedule!.Observe(step);
        }
    }

    private static (Dictionary<string, float[]> Tensors, Dictionary<string, double> Numbers) Save(Trainer trainer) => (
        Tensors(trainer).ToDictionary(named => named.Name, named => named.Tensor.Span.ToArray()),
        trainer.State.Numbers.ToDictionary(number => number.Name, number => number.Value));

    private static void Restore((Dictionary<string, float[]> Tensors, Dictionary<string, double> Numbers) saved, Trainer trainer)
    {
        foreach (NamedTensor named in Tensors(trainer))
            saved.Tensors[named.Name].CopyTo(named.Tensor.Span);
        foreach (NamedNumber number in trainer.State.Numbers)
            number.Value = saved.Numbers[number.Name];
    }

    private static IEnumerable<NamedTensor> Tensors(Trainer trainer) =>
        [.. trainer.Network.NamedState.Select(named => new NamedTensor(named.Name, named.Parameter.Value)), .. trainer.State.Tensors];

    private static int[] Bits(Trainer trainer) => [.. Tensors(trainer).SelectMany(named => named.Tensor.Span.ToArray()).Select(BitConverter.SingleToInt32Bits)];
}
