using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Golden;

/// <summary>Twenty training steps of LeNet-5 on Fashion-MNIST beside PyTorch's, from the same weights and images.</summary>
public class TorchTrajectoryTests
{
    private static readonly string[] s_layers = ["conv1", "conv2", "fc1", "fc2", "fc3"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void LeNet5_trains_as_in_PyTorch(int threads)
    {
        TorchCase test = TorchFolder.Load(TorchFolder.Committed, "trajectory/lenet5_sgd_momentum");
        int batch = test.Int("batch"), steps = test.Int("steps");
        using var context = new ComputeContext(threads);
        Network network = ModelCatalog.Create("lenet5", 1, 28, 28, 10, seed: 1);
        string[] names = [.. s_layers.SelectMany(layer => new[] { layer + ".weight", layer + ".bias" })];
        for (int i = 0; i < names.Length; i++)
            test.Floats("in." + names[i]).CopyTo(network.Parameters[i].Value.Span);
        var sgd = new Sgd(network.Parameters, test.Float("lr", 0), test.Float("momentum", 0), weightDecay: test.Float("weight_decay", 0));
        var shape = new Shape(batch, 1, 28, 28);
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), sgd, context, shape);

        byte[] pixels = test.Bytes("in.images_u8");
        int[] labels = test.Integers("in.labels"), correct = test.Integers("out.correct");
        Tensor images = new(shape);
        for (int step = 0; step < steps; step++)
        {
            Span<float> x = images.Span;
            for (int i = 0; i < x.Length; i++)
                x[i] = (pixels[step * x.Length + i] / 255f - 0.2860f) / 0.3530f;
            if (step == 0)
            {
                var logits = new Tensor(new Shape(batch, 10));
                network.Forward(images, logits, context);
                test.AssertClose("logits_step0", logits.Span);
            }

            StepResult result = trainer.Step(images, labels.AsSpan(step * batch, batch));
            test.AssertClose("losses", [result.Loss], step);
            Assert.Equal(correct[step], result.Correct);
            if (step == 0)
            {
                for (int i = 0; i < names.Length; i++)
                {
                    test.AssertClose("grad_step0." + names[i], network.Parameters[i].Gradient.Span);
                    test.AssertClose("after_step0." + names[i], network.Parameters[i].Value.Span);
                }
            }
        }

        for (int i = 0; i < names.Length; i++)
            test.AssertClose("final." + names[i], network.Parameters[i].Value.Span);
    }
}
