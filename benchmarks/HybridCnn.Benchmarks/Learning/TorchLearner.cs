using HybridCnn.Benchmarks.Peers;
using HybridCnn.Data;
using TorchSharp;
using TorchSharp.Modules;
using TorchModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HybridCnn.Benchmarks.Learning;

/// <summary>The peer's training on batches as they come, as its users write it: images in planes, its own loss and optimizer.</summary>
internal sealed class TorchLearner : IDisposable
{
    private readonly TorchModule _network;
    private readonly CrossEntropyLoss _loss = torch.nn.CrossEntropyLoss();
    private readonly SGD _optimizer;

    /// <param name="name">A network of <see cref="TorchNetworks"/>.</param>
    /// <param name="classes">Of its last layer.</param>
    /// <param name="initial">Parameters by name; copied.</param>
    public TorchLearner(string name, int classes, IReadOnlyDictionary<string, float[]> initial)
    {
        using var scope = torch.NewDisposeScope();
        _network = TorchNetworks.Create(name, classes);
        TorchNetworks.Load(_network, initial, channelsLast: false);
        _optimizer = torch.optim.SGD(_network.parameters(), learningRate: 1, momentum: TrainingPlan.Momentum, weight_decay: TrainingPlan.WeightDecay);
    }

    /// <summary>Forward, loss, backward, update.</summary>
    /// <returns>The loss before the update.</returns>
    public float Step(Batch batch, double learningRate)
    {
        using var scope = torch.NewDisposeScope();
        _network.train();
        foreach (torch.optim.ILearningRateController group in _optimizer.ParamGroups)
            group.LearningRate = learningRate;
        _optimizer.zero_grad();
        torch.Tensor labels = torch.tensor(Array.ConvertAll(batch.Labels, label => (long)label));
        torch.Tensor loss = _loss.call(_network.call(Place(batch)), labels);
        loss.backward();
        _optimizer.step();
        return loss.item<float>();
    }

    /// <summary>The class with the largest logit, of every image of a set.</summary>
    public int[] Predict(ImageDataset images, int batchSize)
    {
        using var noGradient = torch.no_grad();
        _network.eval();
        var answers = new List<long>();
        var loader = new BatchLoader(images, batchSize, shuffle: null);
        while (loader.NextBatch() is { } batch)
        {
            using var scope = torch.NewDisposeScope();
            answers.AddRange(_network.call(Place(batch)).argmax(1).data<long>().ToArray().Take(batch.Count));
        }

        return [.. answers.Select(answer => (int)answer)];
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _loss.Dispose();
        _network.Dispose();
    }

    private static torch.Tensor Place(Batch batch) =>
        torch.tensor(batch.Images.Span.ToArray(), [batch.Images.Shape[0], batch.Images.Shape[1], batch.Images.Shape[2], batch.Images.Shape[3]]);
}
