using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Models;

public class ModelCatalogTests
{
    [Theory]
    [InlineData("lenet", 1, 28, 28, 10, 431080)]
    [InlineData("lenet5", 1, 28, 28, 10, 61706)]
    [InlineData("LeNet", 3, 32, 32, 10, 657080)]
    [InlineData("LENET5", 3, 32, 40, 7, 105911)]
    [InlineData("lenet", 1, 16, 16, 2, 52072)]
    [InlineData("lenet5", 1, 12, 13, 3, 15031)]
    [InlineData("vgg-cifar", 1, 28, 28, 10, 2330442)]
    [InlineData("VGG-CIFAR", 3, 32, 32, 10, 3249098)]
    public void Builds_the_named_network(string name, int channels, int height, int width, int classes, int parameters)
    {
        Network network = ModelCatalog.Create(name, channels, height, width, classes, seed: 1);
        Assert.Equal(new Shape(2, classes), network.Bind(new Shape(2, channels, height, width)));
        Assert.Equal(parameters, network.Parameters.Sum(parameter => parameter.Shape.Count));
    }

    [Fact]
    public void Names_parameters_as_the_same_network_in_PyTorch()
    {
        Assert.Equal(
            ["0.weight", "0.bias", "2.weight", "2.bias", "5.weight", "5.bias", "7.weight", "7.bias"],
            ModelCatalog.Create("lenet", 1, 28, 28, 10, 1).NamedParameters.Select(named => named.Name));
        Assert.Equal(
            ["0.weight", "0.bias", "3.weight", "3.bias", "7.weight", "7.bias", "9.weight", "9.bias", "11.weight", "11.bias"],
            ModelCatalog.Create("lenet5", 1, 28, 28, 10, 1).NamedParameters.Select(named => named.Name));
    }

    [Theory]
    [InlineData(1, 28, 3)]
    [InlineData(3, 32, 0)]
    public void VggCifar_changes_the_memory_order_for_colours_or_after_the_first_normalization_and_before_the_hidden_units(int channels, int size, int first)
    {
        Network network = ModelCatalog.Create("vgg-cifar", channels, size, size, 10, 1);
        network.Bind(new Shape(4, channels, size, size));
        string[] steps = [.. network.Explain().ReplaceLineEndings("\n").Split('\n').Where(line => line.Contains('→', StringComparison.Ordinal) && !line.StartsWith("     ", StringComparison.Ordinal))];
        int[] changes = [.. Enumerable.Range(0, steps.Length).Where(i => steps[i].Contains("LayoutChange", StringComparison.Ordinal))];
        Assert.Equal([first, 22], changes);
        Assert.All(steps[first..22], step => Assert.EndsWith("NHWC", step, StringComparison.Ordinal));
        Assert.Equal(27, steps.Length);
        Assert.Equal(7, steps.Count(step => step.Contains("ReLU, computed by ", StringComparison.Ordinal)));
    }

    [Fact]
    public void VggCifar_saves_running_statistics_with_its_parameters()
    {
        Network network = ModelCatalog.Create("vgg-cifar", 1, 28, 28, 10, 1);
        Assert.Equal(
            ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.weight"],
            network.NamedState.Take(6).Select(named => named.Name));
        Assert.Equal(["22.weight", "22.bias", "24.weight", "24.bias"], network.NamedState.Select(named => named.Name).TakeLast(4));
    }

    [Fact]
    public void The_seed_decides_the_weights()
    {
        float[] First(ulong seed) => ModelCatalog.Create("lenet", 1, 28, 28, 10, seed).Parameters[0].Value.Span.ToArray();
        Assert.Equal(First(1), First(1));
        Assert.NotEqual(First(1), First(2));
        Assert.Equal(["lenet", "lenet5", "vgg-cifar"], ModelCatalog.Names.Take(3));
    }

    [Theory]
    [InlineData("resnet", 1, 28, 28, 10, "No model is named \"resnet\"; known: lenet, lenet5, vgg-cifar, resnet9, ")]
    [InlineData("alexnet", 3, 62, 63, 10, "AlexNet takes images of at least 63x63")]
    [InlineData("vgg11", 3, 32, 31, 10, "VGG-11 takes images of at least 32x32")]
    [InlineData("vgg11-bn", 3, 31, 32, 10, "VGG-11 with batch normalization takes images of at least 32x32")]
    [InlineData("vgg16", 3, 31, 32, 10, "VGG-16 takes images of at least 32x32")]
    [InlineData("vgg16-bn", 3, 31, 32, 10, "VGG-16 with batch normalization takes images of at least 32x32")]
    [InlineData("resnet50", 3, 15, 16, 10, "ResNet takes images of at least 16x16")]
    [InlineData("mobilenetv2", 3, 16, 15, 10, "MobileNetV2 takes images of at least 16x16")]
    [InlineData("resnet20", 3, 7, 8, 10, "CifarResNet takes images of at least 8x8")]
    [InlineData("resnet9", 3, 8, 7, 10, "ResNet9 takes images of at least 8x8")]
    [InlineData("resnet18", 3, 32, 32, 0, "classes")]
    [InlineData("lenet", 1, 15, 28, 10, "height")]
    [InlineData("lenet5", 1, 28, 11, 10, "width")]
    [InlineData("vgg-cifar", 3, 32, 7, 10, "width")]
    [InlineData("lenet", 0, 28, 28, 10, "channels")]
    [InlineData("lenet", 1, 28, 28, 0, "classes")]
    [InlineData("lenet", 1, int.MaxValue, int.MaxValue, 10, "height")]
    public void Refuses_what_cannot_be(string name, int channels, int height, int width, int classes, string message) =>
        Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => ModelCatalog.Create(name, channels, height, width, classes, 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void Refuses_null()
    {
        Assert.Throws<ArgumentNullException>(() => ModelCatalog.Create(null!, 1, 28, 28, 10, 1));
        Assert.Throws<ArgumentNullException>(() => ModelCatalog.LeNet(1, 28, 28, 10, null!));
        Assert.Throws<ArgumentNullException>(() => ModelCatalog.LeNet5(1, 28, 28, 10, null!));
        Assert.Throws<ArgumentNullException>(() => ModelCatalog.VggCifar(1, 28, 28, 10, null!));
        Assert.Throws<ArgumentNullException>(() => ModelCatalog.UsualImages(null!));
        Assert.Throws<ArgumentNullException>(() => ResNet.Create(18, 3, 32, 32, 10, null!));
        Assert.Equal("depth", Assert.Throws<ArgumentOutOfRangeException>(() => ResNet.Create(19, 3, 32, 32, 10, new(1))).ParamName);
        Assert.Equal("depth", Assert.Throws<ArgumentOutOfRangeException>(() => CifarResNet.Create(21, 3, 32, 32, 10, new(1))).ParamName);
        Assert.Equal("depth", Assert.Throws<ArgumentOutOfRangeException>(() => Vgg.Create(12, false, 3, 32, 32, 10, new(1))).ParamName);
    }
}
