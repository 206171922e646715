using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Cli.Runs;

/// <summary>Networks by name: to train, from a file of weights, and in words.</summary>
internal static class Networks
{
    private const int MostLayersInARow = 40;

    /// <summary>A network with fresh weights, for images and classes of a data set.</summary>
    public static Network Create(string model, ImageDataset data, ulong seed) =>
        Create(model, data.Channels, data.Height, data.Width, data.ClassNames.Count, seed);

    /// <summary>A network with fresh weights.</summary>
    public static Network Create(string model, int channels, int height, int width, int classes, ulong seed)
    {
        try
        {
            return ModelCatalog.Create(model, channels, height, width, classes, seed);
        }
        catch (ArgumentException e)
        {
            throw UserErrorException.BadUsage(
                $"{model}: {InOneLine(e)} The images are {height}x{width}.", "Choose another model, or larger images.");
        }
    }

    /// <summary>Lets the blocks of a network be computed again in the backward pass, before it is bound.</summary>
    public static void RecomputeBlocks(string model, Network network)
    {
        if (network.RecomputeBlocks() == 0)
            throw UserErrorException.BadUsage($"--recompute: {model} has no blocks inside.", "Choose a network of blocks, such as resnet20, resnet18 or mobilenetv2.");
    }

    /// <summary>What an argument's error says, without the name of a parameter that no user has typed.</summary>
    public static string InOneLine(ArgumentException e) => e.Message.Split(" (Parameter")[0];

    /// <summary>What goes with the weights, so that they can be used without their run.</summary>
    public static ModelDescription Description(TrainSettings settings, ImageDataset train) => new(
        settings.Model, train.ClassNames, new Shape(train.Channels, train.Height, train.Width), [.. train.Mean], [.. train.Deviation], settings.Data);

    /// <summary>The network that a file of weights belongs to, with those weights.</summary>
    /// <param name="path">Weights, or a checkpoint.</param>
    /// <param name="averaged">Whether with the averages where a checkpoint holds them, as training tests them.</param>
    public static (Network Network, ModelDescription Description) Load(string path, bool averaged = true)
    {
        ModelDescription description = Weights.Describe(path);
        if (!ModelCatalog.Names.Contains(description.Model))
            throw UserErrorException.BadData($"{path} holds the weights of a model \"{description.Model}\", which this version doesn't know.", "Use the version of hybridcnn that wrote it, or a newer one.");
        Shape image = description.ImageShape;
        Network network;
        try
        {
            network = ModelCatalog.Create(description.Model, image[0], image[1], image[2], description.ClassNames.Count, seed: 0);
        }
        catch (ArgumentException e)
        {
            throw UserErrorException.BadData($"{path} says that its {description.Model} is for images {image}, which that network can't take.", "Get the file again.", e);
        }

        Weights.Load(path, network.NamedState);
        if (averaged)
            Checkpoint.LoadAverage(path, network.NamedState);
        return (network, description);
    }

    public static NetworkInfo Describe(string model, Network network)
    {
        string[] layers = [.. Leaves(network).Select(InWords)];
        if (layers.Length > MostLayersInARow)
            layers = [.. layers.GroupBy(layer => layer).Select(same => same.Count() == 1 ? same.Key : $"{same.Count()} of {same.Key}")];
        return new(model, layers, network.Parameters.Sum(p => (long)p.Shape.Count));
    }

    /// <summary>Weights of the first convolution, [OC, IC, KH, KW]; null when there is none.</summary>
    public static Tensor? FirstFilters(Network network) => network.Parameters.FirstOrDefault(p => p.Shape.Rank == 4)?.Value;

    private static IEnumerable<Layer> Leaves(Layer layer) => layer.Children.Count == 0 ? [layer] : layer.Children.SelectMany(child => Leaves(child.Layer));

    private static string InWords(Layer layer) => layer switch
    {
        { Parameters: [{ Shape: { Rank: 4 } weight }, ..] } => $"conv {weight[2]}x{weight[3]} {weight[0]}",
        Linear linear => $"linear {linear.Parameters[0].Shape[0]}",
        MaxPool2d => "max pool",
        BatchNorm2d => "batch norm",
        Flatten => "flatten",
        _ => layer.GetType().Name,
    };
}
