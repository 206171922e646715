using HybridCnn.Data;

namespace HybridCnn.Cli.Runs;

/// <summary>Data sets by the names that the command line knows.</summary>
internal static class DataSource
{
    public const string Digits = "digits";

    private const int DigitsTrain = 12_000, DigitsTest = 2_000;

    // The drawn digits are one fixed data set: --seed changes the training, not what is learned.
    private const ulong DigitsSeed = 1;

    /// <param name="name">"digits", "mnist" or "fashion-mnist".</param>
    /// <param name="directory">Where the files of the latter two are.</param>
    /// <param name="limit">Most images of each set; 0 = all.</param>
    public static (ImageDataset Train, ImageDataset Test) Load(string name, string? directory, int limit)
    {
        if (name == Digits)
        {
            return directory is null
                ? SyntheticDigits.Generate(DigitsSeed, Least(DigitsTrain, limit), Least(DigitsTest, limit))
                : throw UserErrorException.BadUsage($"--data-dir {directory}: digits are drawn by the program and come from no folder.", "Leave --data-dir away, or say --data mnist or --data fashion-mnist.");
        }

        if (directory is null)
            throw UserErrorException.BadUsage($"--data {name} needs the folder with its files.", $"Add --data-dir DIR, where DIR has train-images-idx3-ubyte and the three others, .gz or not.");
        (ImageDataset train, ImageDataset test) = MnistFolder.Load(directory, name);
        return (First(train, limit), First(test, limit));
    }

    private static int Least(int count, int limit) => limit == 0 ? count : Math.Min(count, limit);

    /// <summary>A copy of the first images, with another normalization.</summary>
    public static ImageDataset First(ImageDataset data, int count, Normalization normalization)
    {
        int size = data.Image(0).Length;
        var pixels = new byte[count * size];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            data.Image(i).CopyTo(pixels.AsSpan(i * size));
            labels[i] = data.Label(i);
        }

        return new ImageDataset(data.Name, pixels, labels, data.Channels, data.Height, data.Width, data.ClassNames, normalization);
    }

    private static ImageDataset First(ImageDataset data, int limit) =>
        Least(data.Count, limit) is var count && count < data.Count ? First(data, count, data.Normalization) : data;
}
