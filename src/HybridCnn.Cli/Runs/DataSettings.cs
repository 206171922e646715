namespace HybridCnn.Cli.Runs;

/// <summary>How images are read, varied and brought to training.</summary>
internal sealed record DataSettings
{
    /// <summary>"crop=4,flip"; null = images as they are.</summary>
    public string? Augment { get; init; }

    /// <summary>Side that pictures of a folder are scaled to; null = they all have one size.</summary>
    public PictureSize? ImageSize { get; init; }

    /// <summary>1 or 3 for pictures of a folder; 0 = as the first one.</summary>
    public int Channels { get; init; }

    /// <summary>Share of each class that is kept for testing where a folder has no test images.</summary>
    public float TestShare { get; init; } = 0.2f;

    /// <summary>Whether bad images are left out and listed instead of ending the run.</summary>
    public bool SkipBad { get; init; }

    /// <summary>Batches that a thread of their own prepares ahead of training; 0 = none, and no thread.</summary>
    public int Prefetch { get; init; } = 3;

    /// <summary>The options that say the same, each with a space before it.</summary>
    public string CommandLine() =>
        (Augment is null ? "" : $" --augment {Augment}") + (ImageSize is null ? "" : $" --image-size {ImageSize}") + (Channels == 0 ? "" : $" --channels {Channels}")
        + (TestShare == 0.2f ? "" : $" --test-share {TestShare}") + (SkipBad ? " --skip-bad" : "") + (Prefetch == 3 ? "" : $" --prefetch {Prefetch}");
}

/// <summary>Rows and columns of a picture.</summary>
internal sealed record PictureSize(int Height, int Width)
{
    /// <summary>Reads "32" or "24x32", rows first.</summary>
    public static PictureSize? Parse(string text)
    {
        string[] parts = text.Split('x');
        return parts.Length <= 2 && int.TryParse(parts[0], out int height) && int.TryParse(parts[^1], out int width) && height is >= 1 and <= 4096 && width is >= 1 and <= 4096
            ? new(height, width)
            : null;
    }

    public override string ToString() => Height == Width ? $"{Height}" : $"{Height}x{Width}";
}
