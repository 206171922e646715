using System.CommandLine;
using HybridCnn.Cli.Runs;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Commands;

/// <summary>A network by name, and the images that it is to be looked at with: what <c>summary</c> and <c>time</c> share.</summary>
internal sealed class ModelOptions
{
    private readonly Argument<string> _model = new("model") { Description = string.Join(", ", ModelCatalog.Names) + "." };
    private readonly Option<Shape?> _input = new("--input") { Description = "Shape of x. Default: images of the size that the network was published for.", HelpName = "N,C,H,W" };
    private readonly Option<int> _classes = CommonOptions.WholeNumber("--classes", "Logits per image; 0 = as many as published.", 0, 0, 1_000_000);
    private readonly Option<bool> _recompute = CommonOptions.Recompute();

    public ModelOptions()
    {
        _model.CompletionSources.Add([.. ModelCatalog.Names]);
        _input.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            int[] extents = [.. text.Split(',').Select(part => int.TryParse(part, out int extent) && extent > 0 ? extent : 0)];
            if (extents.Length == 4 && !extents.Contains(0) && extents.Aggregate(1L, (product, extent) => Math.Min(product * extent, 1L << 40)) <= Array.MaxLength)
                return new Shape(extents[0], extents[1], extents[2], extents[3]);
            result.AddError($"--input {text}: expected four whole numbers of at least 1, images, channels, height, width: 8,3,224,224.");
            return null;
        };
    }

    public void AddTo(Command command)
    {
        command.Add(_model);
        command.Add(_input);
        command.Add(_classes);
        command.Add(_recompute);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="batch">Images, where no shape is given.</param>
    /// <returns>The name as the catalog spells it, the network, the shape of x, and how many classes.</returns>
    public (string Name, Network Network, Shape Input, int Classes) Read(ParseResult parsed, int batch)
    {
        string typed = parsed.GetRequiredValue(_model);
        string name = ModelCatalog.Names.FirstOrDefault(known => known.Equals(typed, StringComparison.OrdinalIgnoreCase))
            ?? throw UserErrorException.BadUsage($"{typed}: there is no such model.", $"Choose one of {string.Join(", ", ModelCatalog.Names)}.");
        (Shape image, int published) = ModelCatalog.UsualImages(name);
        Shape input = parsed.GetValue(_input) ?? new Shape(batch, image[0], image[1], image[2]);
        int classes = parsed.GetValue(_classes) is > 0 and int given ? given : published;
        Network network = Networks.Create(name, input[1], input[2], input[3], classes, seed: 1);
        if (parsed.GetValue(_recompute))
            Networks.RecomputeBlocks(name, network);
        return (name, network, input, classes);
    }
}
