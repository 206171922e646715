using HybridCnn.Cli.Pictures;
using HybridCnn.Data;

namespace HybridCnn.Cli.Runs;

/// <summary>Data sets by the names that the command line knows.</summary>
internal static class DataSource
{
    public const string Digits = "digits", ImageFolder = "image-folder", Arrays = "arrays";

    private const int DigitsTrain = 12_000, DigitsTest = 2_000;

    // The drawn digits are one fixed data set: --seed changes the training, not what is learned.
    private const ulong DigitsSeed = 1;

    // Bad images that are named one by one.
    private const int MostListed = 10;

    public static readonly string[] Names = [Digits, .. MnistFolder.Names, .. CifarFolder.Names, ImageFolder, Arrays];

    /// <summary>Loads a data set; what there is to say about it goes to standard error.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="directory">Where the files are; null for digits.</param>
    /// <param name="settings">How to read them.</param>
    /// <param name="limit">Most images of each set; 0 = all.</param>
    public static (ImageDataset Train, ImageDataset Test) Load(string name, string? directory, DataSettings settings, int limit)
    {
        if (name != ImageFolder && (settings.ImageSize is not null || settings.Channels != 0))
            throw UserErrorException.BadUsage($"--data {name}: its images have the size and colours that they have.", "Leave --image-size and --channels away, or say --data image-folder.");
        if (name == Digits)
        {
            return directory is null
                ? SyntheticDigits.Generate(DigitsSeed, Least(DigitsTrain, limit), Least(DigitsTest, limit))
                : throw UserErrorException.BadUsage($"--data-dir {directory}: digits are drawn by the program and come from no folder.", "Leave --data-dir away, or say --data mnist or another set of files.");
        }

        if (directory is null)
            throw UserErrorException.BadUsage($"--data {name} needs {WhatIsIn(name)}.", $"Add --data-dir DIR.{(name is ImageFolder or Arrays ? "" : $" 'hybridcnn data download {name} --data-dir DIR' fetches the files.")}");
        var report = new LoadReport { SkipBad = settings.SkipBad };
        (ImageDataset train, ImageDataset test) = name switch
        {
            ImageFolder => Data.ImageFolder.Load(directory, PictureDecoder.Decode, Options(settings), report),
            Arrays => ArrayImages.Load(directory, report),
            _ when CifarFolder.Names.Contains(name) => CifarFolder.Load(directory, name, report),
            _ => MnistFolder.Load(directory, name),
        };
        Tell(report);
        return (First(train, limit), First(test, limit));
    }

    private static ImageFolderOptions Options(DataSettings settings) => new()
    {
        Channels = settings.Channels,
        Height = settings.ImageSize?.Height ?? 0,
        Width = settings.ImageSize?.Width ?? 0,
        TestShare = settings.TestShare,
    };

    private static string WhatIsIn(string name) => name switch
    {
        ImageFolder => "the folder with train and test, or with a folder per class",
        Arrays => "the folder with train.npz and test.npz (or .safetensors), or one file with both",
        "cifar10" => "the folder with data_batch_1.bin and so on and test_batch.bin, .gz or not, or with cifar-10-binary.tar.gz",
        "cifar100" => "the folder with train.bin and test.bin, .gz or not, or with cifar-100-binary.tar.gz",
        _ => "the folder with train-images-idx3-ubyte and the three others, .gz or not",
    };

    private static void Tell(LoadReport report)
    {
        foreach (string note in report.Notes)
            Console.Error.WriteLine($"note: {note}");
        if (report.Bad.Count == 0)
            return;
        Console.Error.WriteLine($"note: {report.Bad.Count} bad {(report.Bad.Count == 1 ? "image was" : "images were")} left out:");
        foreach (Exception bad in report.Bad.Take(MostListed))
            Console.Error.WriteLine($"  {bad.Message}");
        if (report.Bad.Count > MostListed)
            Console.Error.WriteLine($"  and {report.Bad.Count - MostListed} more");
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
