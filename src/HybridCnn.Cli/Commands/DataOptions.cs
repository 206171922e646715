using System.CommandLine;
using HybridCnn.Cli.Runs;

namespace HybridCnn.Cli.Commands;

/// <summary>The options that say how images are read, varied and brought to training.</summary>
internal sealed class DataOptions
{
    private readonly Option<string> _imageSize = new("--image-size")
    {
        Description = "image-folder: scale and cut every picture to this many pixels, 32 or 24x32, rows first. Default: all have the size of the first.",
        HelpName = "n",
    };

    private readonly Option<string> _channels = CommonOptions.Choice("--channels", "image-folder: 1 = grey, 3 = colours, auto = as the first picture.", "auto", "auto", "1", "3");

    private readonly Option<float> _testShare = TestShare();

    private readonly Option<bool> _skipBad = new("--skip-bad") { Description = "Leave out images that can't be read or have no class, count and list them, instead of ending with an error." };

    private readonly Option<string> _augment = new("--augment")
    {
        Description = $"Vary training images: words with commas between, each with a value if need be, as in crop=4,flip,cutout. {AugmentationText.Words}.",
        HelpName = "words",
    };

    private readonly Option<int> _prefetch = CommonOptions.WholeNumber("--prefetch", "Batches that a thread of its own prepares ahead of training; 0 = prepare each when it is needed.", 3, 0, 64);

    public DataOptions()
    {
        _imageSize.Validators.Add(result =>
        {
            if (PictureSize.Parse(result.Tokens[0].Value) is null)
                result.AddError($"--image-size {result.Tokens[0].Value}: expected a number of pixels from 1 to 4096, or two as in 24x32.");
        });
        _augment.Validators.Add(result =>
        {
            if (AugmentationText.Trouble(result.Tokens[0].Value) is { } trouble)
                result.AddError($"--augment {result.Tokens[0].Value}: {trouble}.");
        });
    }

    /// <summary>The options of a command that reads images without training on them.</summary>
    public void AddForReading(Command command)
    {
        foreach (Option option in (Option[])[_imageSize, _channels, _testShare, _skipBad])
            command.Add(option);
    }

    /// <summary>All options.</summary>
    public void AddForTraining(Command command)
    {
        command.Add(_augment);
        AddForReading(command);
        command.Add(_prefetch);
    }

    public DataSettings Read(ParseResult parsed) => new()
    {
        Augment = parsed.GetValue(_augment),
        ImageSize = parsed.GetValue(_imageSize) is { } size ? PictureSize.Parse(size) : null,
        Channels = parsed.GetValue(_channels) is { } channels && int.TryParse(channels, out int number) ? number : 0,
        TestShare = parsed.GetValue(_testShare),
        SkipBad = parsed.GetValue(_skipBad),
        Prefetch = parsed.GetValue(_prefetch),
    };

    private static Option<float> TestShare()
    {
        var option = new Option<float>("--test-share") { Description = "image-folder without a folder test: the share of each class that is kept for testing.", DefaultValueFactory = _ => 0.2f, HelpName = "x" };
        option.CustomParser = result =>
        {
            if (float.TryParse(result.Tokens[0].Value, out float share) && share > 0 && share < 1)
                return share;
            result.AddError($"--test-share {result.Tokens[0].Value}: expected a number above 0 and below 1.");
            return 0;
        };
        return option;
    }
}
