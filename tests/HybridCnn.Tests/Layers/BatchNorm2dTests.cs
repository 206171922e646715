using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Golden;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Layers;

public class BatchNorm2dTests
{
    public static TheoryData<string> Cases => new(
        TorchFolder.Whole is null ? [] : Directory.EnumerateFiles(Path.Combine(TorchFolder.Whole, "batch_norm"), "*.safetensors")
            .Select(file => "batch_norm/" + Path.GetFileNameWithoutExtension(file)));

    [TorchFolderTheory]
    [MemberData(nameof(Cases))]
    public void Equals_PyTorch(string name)
    {
        TorchCase test = TorchFolder.Load(TorchFolder.Whole!, name);
        using var context = new ComputeContext(2);
        var shape = new Shape(test.Extents("in.x"));
        Tensor x = Tensor.From(shape, test.Floats("in.x")), dy = Tensor.From(shape, test.Floats("in.grad_out")), y = new(shape), dx = new(shape);
        float[] gamma = test.Flag("affine") ? test.Floats("in.weight") : [], beta = test.Flag("affine") ? test.Floats("in.bias") : [];
        float[] mean = test.Floats("in.running_mean"), variance = test.Floats("in.running_var"), dGamma = new float[gamma.Length], dBeta = new float[beta.Length];
        var normalization = new BatchNormalization(shape, test.Attributes.GetProperty("eps").GetDouble());
        if (test.Flag("training"))
            normalization.ForwardTraining(x.Span, gamma, beta, mean, variance, test.Attributes.GetProperty("momentum").GetDouble(), relu: null, y.Span, context);
        else
            normalization.ForwardFixed(x.Span, gamma, beta, mean, variance, relu: null, y.Span, context);
        normalization.Backward(x.Span, dy.Span, dGamma, dBeta, dx.Span, context);
        test.AssertClose("y", y.Span);
        test.AssertClose("running_mean", mean);
        test.AssertClose("running_var", variance);
        test.AssertClose("grad_x", dx.Span);
        if (gamma.Length > 0)
        {
            test.AssertClose("grad_weight", dGamma);
            test.AssertClose("grad_bias", dBeta);
        }
    }

    [Fact]
    public void Evaluation_uses_the_running_statistics_and_leaves_them()
    {
        var shape = new Shape(4, 2, 3, 3);
        var layer = new BatchNorm2d(2, momentum: 0.5);
        layer.Bind(shape);
        Tensor x = Tensor.From(shape, new SeededRandom(1).Floats(shape.Count)), y = new(shape), z = new(shape);
        using var context = new ComputeContext(1);
        for (int step = 0; step < 60; step++)
            layer.Forward(x, y, context);
        float[] mean = layer.Buffers[0].Value.Span.ToArray();
        context.IsTraining = false;
        layer.Forward(x, z, context);
        Assert.Equal(mean, layer.Buffers[0].Value.Span.ToArray());

        // After many steps on one batch the running statistics are the batch's, with the variance over 35 instead of 36.
        for (int i = 0; i < shape.Count; i++)
            Assert.Equal(y.Span[i] * MathF.Sqrt(35f / 36), z.Span[i], 1e-4f);
    }

    [Fact]
    public void Running_statistics_are_saved_with_the_network_under_the_names_of_PyTorch()
    {
        var network = new Sequential(new Conv2d(1, 2, 3), new BatchNorm2d(2), new Sequential(new BatchNorm2d(2, affine: false)));
        Assert.Equal(
            ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "2.0.running_mean", "2.0.running_var"],
            network.NamedState.Select(named => named.Name));
        Assert.Equal(["0.weight", "0.bias", "1.weight", "1.bias"], network.NamedParameters.Select(named => named.Name));
        Assert.Equal(4, network.Buffers.Count);
    }

    [Fact]
    public void Says_what_is_wrong()
    {
        Assert.Contains("3", Assert.Throws<ArgumentException>(() => new BatchNorm2d(3).Bind(new Shape(2, 4, 5, 5))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new BatchNorm2d(3).Bind(new Shape(2, 3)));
        Assert.Equal("momentum", Assert.Throws<ArgumentOutOfRangeException>(() => new BatchNorm2d(3, momentum: 1.5)).ParamName);
    }
}
