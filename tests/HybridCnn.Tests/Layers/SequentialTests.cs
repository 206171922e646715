using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Layers;

public class SequentialTests
{
    [Fact]
    public void Names_parameters_as_PyTorch_does()
    {
        var network = new Sequential(
            new ReLU(), new Linear(4, 3), new Flatten(), new Sequential(new Flatten(), new Linear(3, 2, bias: false)), new Linear(2, 1));
        Assert.Equal(["1.weight", "1.bias", "3.1.weight", "4.weight", "4.bias"], network.NamedParameters.Select(named => named.Name));
        Assert.Equal(network.NamedParameters.Select(named => named.Parameter), network.Parameters);
    }

    [Fact]
    public void Says_when_gradients_are_ready_last_layer_first_and_only_then()
    {
        using var context = new ComputeContext(1);
        var network = new Sequential(new Linear(4, 4), new ReLU(), new Linear(4, 4), new Linear(4, 2));
        var shape = new Shape(3, 4);
        Tensor x = new(shape), y = new(network.Bind(shape)), dy = new(y.Shape);
        x.Span.Fill(1);
        dy.Span.Fill(1);
        var ready = new List<int>();
        network.GradientsReady = layer =>
        {
            ready.Add(layer);
            for (int i = 0; i < network.Layers.Count; i++)
            {
                bool isSet = network.Layers[i].Parameters.Any(p => p.Gradient.Span.ContainsAnyExcept(0f));
                Assert.Equal(i >= layer && network.Layers[i] is Linear, isSet);
            }
        };
        network.Forward(x, y, context);
        network.Backward(x, y, dy, null, context);
        Assert.Equal([3, 2, 1, 0], ready);
    }

    [Fact]
    public void Names_the_layer_that_refuses_a_shape()
    {
        var network = new Sequential(new ReLU(), new Flatten(), new Linear(12, 3));
        string message = Assert.Throws<ArgumentException>(() => network.Bind(new Shape(2, 3, 5, 5))).Message;
        Assert.StartsWith("Layer 2, bound to [2, 75]: Linear takes 12 values per item; [2, 75] has 75.", message);
        using var context = new ComputeContext(1);
        Assert.Throws<InvalidOperationException>(() => network.Forward(new Tensor(new Shape(2, 12)), new Tensor(new Shape(2, 3)), context));
    }

    [Fact]
    public void Refuses_nothing_null_and_one_layer_in_two_places()
    {
        var relu = new ReLU();
        Assert.Throws<ArgumentNullException>(() => new Sequential(null!));
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => new Sequential()).Message);
        Assert.Contains("Layer 1 is null", Assert.Throws<ArgumentException>(() => new Sequential(relu, null!)).Message);
        Assert.Contains("Layer 2 is layer 0 again", Assert.Throws<ArgumentException>(() => new Sequential(relu, new Flatten(), relu)).Message);
    }
}
