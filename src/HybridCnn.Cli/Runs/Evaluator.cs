using HybridCnn.Compute;
using HybridCnn.Data;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Runs;

/// <summary>Runs a network over a whole data set, in order.</summary>
/// <param name="network">Ends in logits [N, K].</param>
/// <param name="data">The images; their normalization is applied.</param>
/// <param name="batch">Images at a time.</param>
/// <param name="context">Threads.</param>
internal sealed class Evaluator(Network network, ImageDataset data, int batch, ComputeContext context)
{
    private readonly BatchLoader _loader = new(data, batch, shuffle: null);
    private readonly Tensor _images = new(new Shape(batch, data.Channels, data.Height, data.Width));
    private readonly int[] _labels = new int[batch];
    private readonly float[] _logits = new float[data.Count * data.ClassNames.Count];

    public Evaluation Run()
    {
        // A trainer may have bound the network to the same shape already; binding twice costs nothing.
        var y = new Tensor(network.Bind(_images.Shape));
        int classes = data.ClassNames.Count;
        for (int done = 0; _loader.Next(_images, _labels, out int count); done += count)
        {
            network.Predict(_images, y, context);
            y.Span[..(count * classes)].CopyTo(_logits.AsSpan(done * classes));
        }

        return new Evaluation(data, _logits);
    }
}
