using HybridCnn.Compute;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using TorchSharp.PyBridge;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp.Tests;

/// <summary>Files of weights between our ResNet-18 and torchvision's, by a reader and writer of safetensors that are not ours (TorchSharp.PyBridge), and the same results on both sides.</summary>
public sealed class ExchangeTests : IDisposable
{
    private const int Classes = 10, Side = 64;

    private readonly string _folder = Directory.CreateTempSubdirectory("hybridcnn-exchange-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TorchFact]
    public void Our_weights_give_torchvisions_network_our_results()
    {
        using var scope = NewDisposeScope();
        string file = Path.Combine(_folder, "ours.safetensors");
        Network ours = Trained(seed: 1);
        Weights.Save(file, ours.NamedState, new("resnet18", [.. Enumerable.Range(0, Classes).Select(i => $"{i}")], new Shape(3, Side, Side), [0, 0, 0], [1, 1, 1]));
        using var theirs = torchvision.models.resnet18(num_classes: Classes);
        var read = new Dictionary<string, bool>();
        theirs.load_safetensors(file, strict: false, loadedParameters: read);
        // Only PyTorch's counts of steps have no counterpart.
        Assert.Equal([], read.Where(pair => !pair.Value && !pair.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Select(pair => pair.Key));
        theirs.eval();
        AssertSame(ours, theirs);
    }

    [TorchFact]
    public void Torchvisions_weights_give_our_network_its_results()
    {
        using var scope = NewDisposeScope();
        string file = Path.Combine(_folder, "theirs.safetensors");
        manual_seed(2);
        using var theirs = torchvision.models.resnet18(num_classes: Classes);
        theirs.train();
        // Running statistics other than those of a new network.
        for (int i = 0; i < 3; i++)
            theirs.forward(randn(4, 3, Side, Side));
        theirs.eval();
        theirs.save_safetensors(file);
        Network ours = ModelCatalog.Create("resnet18", 3, Side, Side, Classes, seed: 3);
        Weights.Load(file, ours.NamedState);
        AssertSame(ours, theirs);
    }

    /// <summary>A network whose running statistics are those of some passes of training.</summary>
    private static Network Trained(ulong seed)
    {
        using var context = new ComputeContext(1);
        Network network = ModelCatalog.Create("resnet18", 3, Side, Side, Classes, seed);
        var y = new Tensors.Tensor(network.Bind(new Shape(4, 3, Side, Side)));
        for (int i = 0; i < 3; i++)
            network.Forward(Images(randn(4, 3, Side, Side)), y, context);
        return network;
    }

    private static void AssertSame(Network ours, nn.Module<Tensor, Tensor> theirs)
    {
        Tensor x = randn(2, 3, Side, Side), expected;
        using (no_grad())
            expected = theirs.forward(x);
        using var context = new ComputeContext(1);
        var y = new Tensors.Tensor(ours.Bind(new Shape(2, 3, Side, Side)));
        ours.Predict(Images(x), y, context);
        Compare.AssertClose(expected, tensor(y.Span.ToArray(), expected.shape), "logits");
    }

    private static Tensors.Tensor Images(Tensor x) => Tensors.Tensor.From(new Shape([.. x.shape.Select(extent => (int)extent)]), x.data<float>().ToArray());
}
