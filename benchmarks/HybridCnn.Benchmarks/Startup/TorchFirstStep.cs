using HybridCnn.Benchmarks.Peers;
using TorchSharp;

namespace HybridCnn.Benchmarks.Startup;

/// <summary>The peer's first training step, written as its users write it.</summary>
internal static class TorchFirstStep
{
    public static void Run(int threads)
    {
        if (threads > 0)
            torch.set_num_threads(threads);
        using var scope = torch.NewDisposeScope();
        var network = TorchNetworks.Create("lenet", FirstStep.Classes);
        network.train();
        float[] pixels = new float[FirstStep.Batch * FirstStep.Side * FirstStep.Side];
        FirstStep.Fill(pixels);
        long[] labels = new long[FirstStep.Batch];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = FirstStep.LabelOf(i);
        var optimizer = torch.optim.SGD(network.parameters(), FirstStep.LearningRate, FirstStep.Momentum);
        var loss = torch.nn.CrossEntropyLoss();
        optimizer.zero_grad();
        torch.Tensor value = loss.call(network.call(torch.tensor(pixels, [FirstStep.Batch, 1, FirstStep.Side, FirstStep.Side])), torch.tensor(labels));
        value.backward();
        optimizer.step();
        FirstStep.Say(value.item<float>(), $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}");
    }
}
