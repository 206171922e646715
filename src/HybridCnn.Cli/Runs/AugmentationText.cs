using System.Globalization;
using HybridCnn.Data;

namespace HybridCnn.Cli.Runs;

/// <summary>Augmentations as the command line writes them: "crop=4,flip,cutout".</summary>
internal static class AugmentationText
{
    /// <summary>Every word, what a value means, and its value where none is given; 0 where that is a share of the image.</summary>
    private static readonly (string Name, string Value)[] s_words =
    [
        ("crop", "pixels of padding, an eighth of the side"),
        ("flip", "no value"),
        ("rotate", "degrees, 15"),
        ("scale", "share, 0.1"),
        ("shear", "degrees, 10"),
        ("translate", "share of the side, 0.1"),
        ("cutout", "side of the square in pixels, a quarter of the image's"),
        ("mixup", "alpha, 0.2"),
    ];

    /// <summary>"crop (pixels of padding, an eighth of the side), …", for help.</summary>
    public static string Words => string.Join(", ", s_words.Select(w => $"{w.Name} ({w.Value})"));

    /// <summary>What is wrong with a text, or null.</summary>
    public static string? Trouble(string text)
    {
        var seen = new HashSet<string>();
        foreach ((string name, float? value) in Split(text))
        {
            if (!s_words.Any(w => w.Name == name))
                return $"\"{name}\" is none of {string.Join(", ", s_words.Select(w => w.Name))}";
            if (!seen.Add(name))
                return $"{name} is there twice";
            if (value is { } number && (!(number >= 0) || (name is "crop" or "cutout" && number != MathF.Floor(number)) || name == "flip"))
                return name == "flip" ? "flip takes no value" : $"{name} takes a {(name is "crop" or "cutout" ? "whole " : "")}number of at least 0";
        }

        return null;
    }

    /// <summary>The augmentation for images of a size.</summary>
    public static Augmentation Parse(string text, int height, int width)
    {
        var augmentation = new Augmentation();
        int side = Math.Min(height, width);
        foreach ((string name, float? value) in Split(text))
        {
            augmentation = name switch
            {
                "crop" => augmentation with { CropPadding = (int)(value ?? Math.Max(1, side / 8)) },
                "flip" => augmentation with { HorizontalFlip = true },
                "rotate" => augmentation with { Rotation = value ?? 15 },
                "scale" => augmentation with { Scale = value ?? 0.1f },
                "shear" => augmentation with { Shear = value ?? 10 },
                "translate" => augmentation with { Translation = value ?? 0.1f },
                "cutout" => augmentation with { Cutout = (int)(value ?? Math.Max(1, side / 4)) },
                _ => augmentation with { Mixup = value ?? 0.2f },
            };
        }

        return augmentation;
    }

    // A value that is no number is NaN, which no word takes.
    private static IEnumerable<(string Name, float? Value)> Split(string text) =>
        from word in text.Split(',', StringSplitOptions.TrimEntries)
        let parts = word.Split('=', 2)
        select (parts[0], parts.Length == 1 ? (float?)null : float.TryParse(parts[1], CultureInfo.InvariantCulture, out float value) && value < 1e6f ? value : float.NaN);
}
