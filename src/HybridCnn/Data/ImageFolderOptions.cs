namespace HybridCnn.Data;

/// <summary>How the pictures of a folder become a data set.</summary>
public sealed record ImageFolderOptions
{
    /// <summary>1 for grey, 3 for red, green, blue; 0 = as the first picture is.</summary>
    public int Channels { get; init; }

    /// <summary>Rows of every image; 0 = as the first picture is, and all must have its size.</summary>
    public int Height { get; init; }

    /// <summary>Columns of every image; 0 together with <see cref="Height"/>.</summary>
    public int Width { get; init; }

    /// <summary>Where there is no folder for tests: the share of each class that is kept for testing, above 0 and below 1.</summary>
    public double TestShare { get; init; } = 0.2;

    /// <summary>Decides which ones.</summary>
    public ulong Seed { get; init; } = 1;

    /// <exception cref="ArgumentOutOfRangeException">A number that is no size, number of channels or share.</exception>
    internal void Check()
    {
        if (Channels is not (0 or 1 or 3))
            throw new ArgumentOutOfRangeException(nameof(Channels), Channels, "Channels must be 1 or 3, or 0 for those of the first picture.");
        if (Height < 0 || Width < 0 || Height == 0 != (Width == 0))
            throw new ArgumentOutOfRangeException(nameof(Height), $"{Height}x{Width}", "Height and width must both be given, or both be 0.");
        if (!(TestShare > 0 && TestShare < 1))
            throw new ArgumentOutOfRangeException(nameof(TestShare), TestShare, "The share for testing must be above 0 and below 1.");
    }
}
