using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>How long one step of a network took in each pass; medians over all calls, in milliseconds, 0 for a pass that nobody called.</summary>
public sealed class LayerTimes
{
    private readonly List<double> _forward = [], _backwardData = [], _backwardWeights = [];

    internal LayerTimes(string name, string kind, Shape output) => (Name, Kind, Output) = (name, kind, output);

    /// <summary>The full name: "layer1.0.conv1".</summary>
    public string Name { get; }

    /// <summary>"Conv2d", with the ReLU that it takes in: "Conv2d+ReLU"; "Sum of gradients" where ways part.</summary>
    public string Kind { get; }

    /// <summary>The shape of y.</summary>
    public Shape Output { get; }

    /// <summary>The forward pass, with a ReLU that it takes in.</summary>
    public double Forward => Median(_forward);

    /// <summary>The gradient by x; the whole backward pass of a layer whose gradients come from one pass; with a forward pass that was run again for it.</summary>
    public double BackwardData => Median(_backwardData);

    /// <summary>The gradients by weights and bias, where they are a pass of their own: convolutions and fully connected layers.</summary>
    public double BackwardWeights => Median(_backwardWeights);

    /// <summary>All passes.</summary>
    public double Total => Forward + BackwardData + BackwardWeights;

    internal void AddForward(double milliseconds) => _forward.Add(milliseconds);

    /// <summary>What the next backward pass has cost before it came to the layer's gradients.</summary>
    internal double Again { private get; set; }

    internal void AddBackward(double data, double weights)
    {
        _backwardData.Add(data + Again);
        Again = 0;
        _backwardWeights.Add(weights);
    }

    internal static double Median(IEnumerable<double> times)
    {
        double[] sorted = [.. times.Order()];
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
