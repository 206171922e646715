using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Tests.Meta;
using HybridCnn.Tests.Support;
using HybridCnn.Training;

namespace HybridCnn.Tests.Models;

/// <summary>The networks of papers: as many parameters as published, PyTorch's names, steps that learn and allocate nothing.</summary>
public class PublishedNetworkTests
{
    // The numbers on torchvision's pages; resnet20 is that of option A, resnet9 that of Page's network. None depends on the size of the images.
    [Theory]
    [InlineData("resnet9", 10, 16, 6_573_120)]
    [InlineData("resnet20", 10, 16, 269_722)]
    [InlineData("resnet18", 1000, 32, 11_689_512)]
    [InlineData("resnet34", 1000, 32, 21_797_672)]
    [InlineData("resnet50", 1000, 32, 25_557_032)]
    [InlineData("mobilenetv2", 1000, 32, 3_504_872)]
    [InlineData("alexnet", 1000, 63, 61_100_840)]
    [InlineData("vgg11", 1000, 32, 132_863_336)]
    public void Has_the_published_number_of_parameters_and_learns_without_allocating(string name, int classes, int size, long parameters)
    {
        Network network = ModelCatalog.Create(name, 3, size, size, classes, seed: 1);
        Assert.Equal(parameters, network.Parameters.Sum(parameter => (long)parameter.Shape.Count));
        Learns(name, network, size);
    }

    // The classifier is that of vgg11: here a small one, as drawing its weights takes seconds.
    [Theory]
    [InlineData(11, true, 132_868_840)]
    [InlineData(16, false, 138_357_544)]
    [InlineData(16, true, 138_365_992)]
    public void Every_vgg_has_its_features_in_front_of_the_same_classifier(int depth, bool batchNormalization, long parameters)
    {
        const int Classes = 1000, Size = 32, Hidden = 64;
        Network network = Vgg.Create(depth, batchNormalization, 3, Size, Size, Classes, new SeededRandom(1), dropout: 0, Hidden);
        Assert.Equal(parameters - Classifier(Vgg.Hidden) + Classifier(Hidden), network.Parameters.Sum(parameter => (long)parameter.Shape.Count));
        Learns($"vgg{depth}", network, Size);

        static long Classifier(long hidden) => (Vgg.Inputs + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * Classes;
    }

    private static void Learns(string name, Network network, int size)
    {
        const int Batch = 4;
        using var context = new ComputeContext(2);
        var random = new SeededRandom(2);
        var images = new Tensor(new Shape(Batch, 3, size, size));
        foreach (ref float value in images.Span)
            value = random.NextNormal();
        int[] labels = [0, 1, 2, 3];
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, 0.01f), context, images.Shape);
        float before = trainer.Step(images, labels).Loss, after = trainer.Step(images, labels).Loss;
        Assert.True(after < before, $"{name}: loss {before} before a step, {after} after it");

        trainer.Step(images, labels);
        Assert.Equal(0, Allocations.OfThisThread(() => trainer.Step(images, labels)));
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("mobilenetv2")]
    public void Names_and_shapes_of_what_is_saved_are_those_of_torchvision(string name)
    {
        string[] expected = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "HybridCnn.Tests", "Models", $"{name}.txt"));
        Network network = ModelCatalog.Create(name, 3, 32, 32, 1000, seed: 1);
        Assert.Equal(expected, network.NamedState.Select(named => $"{named.Name} {named.Parameter.Shape}"));
    }

    [Fact]
    public void Names_without_a_list_follow_the_same_rules()
    {
        Assert.Equal(
            ["conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight"],
            CifarResNet.Create(8, 3, 8, 8, 10, new(1)).NamedParameters.Take(4).Select(named => named.Name));
        Assert.Contains("layer4.0.downsample.1.running_var", ResNet.Create(50, 3, 32, 32, 2, new(1)).NamedState.Select(named => named.Name));
        Assert.Contains("layer3.residual.res2.bn.bias", ResNet9.Create(3, 32, 32, 2, new(1)).NamedState.Select(named => named.Name));
    }

    [Theory]
    [InlineData("lenet", 1, 28, 10)]
    [InlineData("resnet20", 3, 32, 10)]
    [InlineData("mobilenetv2", 3, 224, 1000)]
    public void Says_for_which_images_a_network_was_published(string name, int channels, int size, int classes) =>
        Assert.Equal((new Shape(channels, size, size), classes), ModelCatalog.UsualImages(name));

    // All elements of a parameter move together along its own gradient: a derivative that single kinks of ReLUs hardly touch.
    [Theory]
    [InlineData("resnet20", 16)]
    [InlineData("resnet9", 8)]
    public void The_loss_falls_as_fast_as_the_gradient_of_every_parameter_says(string name, int size)
    {
        const int Batch = 8;
        using var context = new ComputeContext(2);
        Network network = name == "resnet20" ? CifarResNet.Create(8, 3, size, size, 4, new(1)) : ModelCatalog.Create(name, 3, size, size, 4, seed: 1);
        var random = new SeededRandom(2);
        Tensor x = new(new Shape(Batch, 3, size, size)), y = new(network.Bind(x.Shape)), dy = new(y.Shape);
        foreach (ref float value in x.Span)
            value = random.NextNormal();
        foreach (ref float value in dy.Span)
            value = random.NextNormal() / Batch;
        network.Forward(x, y, context);
        network.Backward(x, y, dy, null, context);
        foreach ((string parameterName, Parameter parameter) in network.NamedParameters)
        {
            float[] start = parameter.Value.Span.ToArray(), gradient = parameter.Gradient.Span.ToArray();
            double norm = Length(gradient), step = 2e-4 * Math.Max(Length(start), 1);
            double numeric = (Moved(step) - Moved(-step)) / (2 * step);
            start.CopyTo(parameter.Value.Span);
            Assert.True(Math.Abs(numeric - norm) <= 0.03 * norm + 2e-6 / step, $"{name}, {parameterName}: finite differences give {numeric}, the gradient {norm}");

            double Moved(double by)
            {
                for (int i = 0; i < start.Length; i++)
                    parameter.Value.Span[i] = (float)(start[i] + by * gradient[i] / norm);
                network.Forward(x, y, context);
                double sum = 0;
                for (int i = 0; i < y.Span.Length; i++)
                    sum += (double)y.Span[i] * dy.Span[i];
                return sum;
            }
        }
    }

    private static double Length(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));
}
