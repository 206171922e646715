using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Tests.Layers;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Training;

/// <summary>Managed bytes of all threads together, so nothing else may run meanwhile.</summary>
[Collection(RunsAlone.Name)]
public class AllocationTests
{
    public static TheoryData<string> LayerNames => LayerCatalog.Names;

    [Theory]
    [InlineData("lenet", 1)]
    [InlineData("lenet", 2)]
    [InlineData("lenet", 3)]
    [InlineData("lenet5", 2)]
    public void A_training_step_allocates_nothing(string model, int threads)
    {
        using var context = new ComputeContext(threads);
        Trainer trainer = TrainerTests.Create(model, context);
        var loader = new BatchLoader(TrainerTests.Blobs(32), 8, new SeededRandom(3));
        Tensor images = new(new Shape(8, 1, 28, 28));
        var labels = new int[8];
        Assert.Equal(0, LeastBytes(() =>
        {
            while (loader.Next(images, labels, out _))
                trainer.Step(images, labels);
        }));
    }

    // Step by step: the test host allocates several times a second, so every longer run of a large network would see it.
    [Fact]
    public void A_training_step_in_NHWC_with_batch_normalization_allocates_nothing()
    {
        using var context = new ComputeContext(2);
        var shape = new Shape(2, 1, 28, 28);
        Trainer trainer = TrainerTests.Create("vgg-cifar", context, shape);
        Tensor images = new(shape);
        int[] labels = [0, 1];
        images.Span.Fill(1);
        Assert.Equal(0, LeastBytes(() => trainer.Step(images, labels)));
    }

    [Fact]
    public void A_training_step_that_recomputes_allocates_nothing()
    {
        using var context = new ComputeContext(2);
        var shape = new Shape(2, 3, 16, 16);
        Network network = ModelCatalog.Create("resnet20", 3, 16, 16, 4, seed: 1);
        Assert.Equal(9, network.RecomputeBlocks());
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, 0.1f), context, shape);
        Tensor images = new(shape);
        int[] labels = [0, 1];
        images.Span.Fill(1);
        Assert.Equal(0, LeastBytes(() => trainer.Step(images, labels)));
    }

    // Also where the weights have to be prepared anew, as after each epoch.
    [Theory]
    [InlineData("lenet", false)]
    [InlineData("vgg-cifar", false)]
    [InlineData("resnet20", true)]
    public void A_prediction_allocates_nothing(string model, bool changes)
    {
        using var context = new ComputeContext(2);
        Network network = ModelCatalog.Create(model, 1, 28, 28, 4, seed: 1);
        Tensor images = new(new Shape(2, 1, 28, 28)), logits = new(network.Bind(images.Shape));
        Assert.Equal(0, LeastBytes(() =>
        {
            if (changes)
                network.Parameters[0].Value.Span[0]++;
            network.Predict(images, logits, context);
        }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_prediction_of_transposed_convolutions_allocates_nothing(bool changes)
    {
        using var context = new ComputeContext(2);
        var network = new Sequential(
            new ConvTranspose2d(48, 32, 4, stride: 2, padding: 1), new BatchNorm2d(32), new ReLU6(), new ConvTranspose2d(32, 16, 3, padding: 1), new ReLU(),
            new ConvTranspose2d(16, 3, 4, stride: 2, padding: 1));
        Tensor x = new(new Shape(1, 48, 7, 7).In(Layout.Nhwc)), y = new(network.Bind(x.Shape));
        Assert.Equal(0, LeastBytes(() =>
        {
            if (changes)
                network.Parameters[0].Value.Span[0]++;
            network.Predict(x, y, context);
        }));
    }

    [Theory]
    [MemberData(nameof(TrainingParts.OptimizerNames), MemberType = typeof(TrainingParts))]
    public void A_step_with_clipping_average_and_schedule_allocates_nothing_with_any_optimizer(string optimizer)
    {
        using var context = new ComputeContext(2);
        var shape = new Shape(4, 1, 28, 28);
        Network network = ModelCatalog.Create("lenet", 1, 28, 28, 4, seed: 1);
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(0.1f), TrainingParts.CreateOptimizer(optimizer, network.Parameters), context, shape)
        {
            Schedule = new WarmUpSchedule(new OneCycleSchedule(0.01, 100), 5),
            Clipping = new GradientClipping(network.Parameters, norm: 0.1f, value: 10),
            Average = new WeightAverage(network, 0.9f),
        };
        Tensor images = new(shape);
        int[] labels = [0, 1, 2, 3];
        Assert.Equal(0, LeastBytes(() => trainer.Step(images, labels)));
    }

    [Theory]
    [MemberData(nameof(TrainingParts.LossNames), MemberType = typeof(TrainingParts))]
    public void A_loss_allocates_nothing(string name)
    {
        Loss loss = TrainingParts.CreateLoss(name);
        Tensor x = new(new Shape(8, 4)), gradient = new(x.Shape);
        int[] labels = [0, 1, 2, 3, 0, 1, 2, 3];
        Assert.Equal(0, LeastBytes(() =>
        {
            loss.Forward(x, labels, gradient);
            loss.Forward(x, x, gradient);
        }));
    }

    [Theory]
    [MemberData(nameof(LayerNames))]
    public void A_layer_allocates_nothing(string name)
    {
        using var context = new ComputeContext(2);
        var layer = new BoundLayer(LayerCatalog.Get(name));
        Assert.Equal(0, LeastBytes(() =>
        {
            layer.Forward(context);
            layer.Backward(context);
        }));
    }

    [Fact]
    public void The_measurement_sees_one_small_object()
    {
        object? kept = null;
        Assert.NotEqual(0, LeastBytes(() => kept = new object()));
        Assert.NotNull(kept);
    }

    // The least of several runs, as many as it takes on a busy machine: the test host may allocate on a thread of its own, but not in every run.
    private static long LeastBytes(Action action) => Allocations.OfAllThreads(action, mostRuns: 100);
}
