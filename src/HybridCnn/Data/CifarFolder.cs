using System.Formats.Tar;
using System.IO.Compression;
using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>
/// Loads the binary version of CIFAR-10 and CIFAR-100 (Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009): the files of the
/// original archive, packed with gzip (.gz) or not, in the folder or in the archive's subfolder, or the archive itself (.tar.gz).
/// A record is the label, for CIFAR-100 the coarse one before the fine one, then 32 x 32 red, green and blue bytes.
/// </summary>
public static class CifarFolder
{
    private const int Side = 32, Channels = 3, Pixels = Channels * Side * Side;

    private static readonly string[] Ten = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    // The order of fine_label_names.txt.
    private static readonly string[] Hundred =
    [
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy", "bridge", "bus", "butterfly",
        "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
        "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower",
        "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
        "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray",
        "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
        "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe",
        "whale", "willow_tree", "wolf", "woman", "worm",
    ];

    /// <summary>The names that <see cref="Load"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cifar10", "cifar100"];

    /// <summary>Loads what there is of both parts; at least one file of each. Test images are normalised as the training images are.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="name">"cifar10" or "cifar100".</param>
    /// <param name="report">Hears of missing batches and bad records; null: a bad record is an error.</param>
    /// <exception cref="ArgumentException">Another name.</exception>
    /// <exception cref="DataFormatException">No file of a part, a damaged file, a label without a class.</exception>
    public static (ImageDataset Train, ImageDataset Test) Load(string directory, string name, LoadReport? report = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        if (!Names.Contains(name))
            throw new ArgumentException($"There is no data set \"{name}\"; there are: {string.Join(", ", Names)}.", nameof(name));
        if (!Directory.Exists(directory))
            throw new DataFormatException($"There is no folder {Path.GetFullPath(directory)}; it should hold the files of {name}.");
        report ??= new LoadReport();
        bool ten = name == "cifar10";
        string[] trainNames = ten ? [.. Enumerable.Range(1, 5).Select(n => $"data_batch_{n}.bin")] : ["train.bin"];
        string testName = ten ? "test_batch.bin" : "test.bin";
        List<(string File, byte[] Content)> files = Read(directory, ten ? "cifar-10" : "cifar-100", ten ? "cifar-10-batches-bin" : "cifar-100-binary");

        List<(string File, byte[] Content)> train = [.. files.Where(f => trainNames.Contains(Plain(f.File))).OrderBy(f => Plain(f.File), StringComparer.Ordinal)];
        List<(string File, byte[] Content)> test = [.. files.Where(f => Plain(f.File) == testName)];
        if (test.Count == 0 && files.Where(f => IsPartOfTest(f.File)).Take(1).ToList() is [var part])
        {
            test = [part];
            report.Note($"{testName} is missing; {Path.GetFileName(part.File)} is the test set.");
        }

        if (train.Count == 0 || test.Count == 0)
        {
            string missing = train.Count == 0 ? string.Join(", ", trainNames) : testName;
            throw new DataFormatException(
                $"{Path.GetFullPath(directory)} has no {missing}, packed with gzip or not, nor an archive with it. Put the binary version of {name} there: \"hybridcnn data download {name}\" fetches it.");
        }

        string[] absent = [.. trainNames.Except(train.Select(f => Plain(f.File)))];
        if (absent.Length > 0)
            report.Note($"{string.Join(", ", absent)} {(absent.Length == 1 ? "is" : "are")} missing: training on {train.Count} of {trainNames.Length} batches.");
        string[] classes = ten ? Ten : Hundred;
        ImageDataset trained = Parse(name, train, classes, labelBytes: ten ? 1 : 2, report, normalization: null);
        return (trained, Parse(name, test, classes, labelBytes: ten ? 1 : 2, report, trained.Normalization));
    }

    // data_batch_1.bin of data_batch_1.bin.gz.
    private static string Plain(string file) =>
        Path.GetFileName(file) is var name && name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;

    private static bool IsPartOfTest(string file) =>
        Plain(file).StartsWith("test", StringComparison.Ordinal) && Plain(file).EndsWith(".bin", StringComparison.Ordinal);

    private static List<(string File, byte[] Content)> Read(string directory, string archive, string subfolder)
    {
        foreach (string folder in (string[])[directory, Path.Combine(directory, subfolder)])
        {
            string[] files = Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Where(f => Plain(f).EndsWith(".bin", StringComparison.Ordinal)).Order(StringComparer.Ordinal)] : [];
            // A file that is there both packed and not is one file.
            if (files.Length > 0)
                return [.. files.DistinctBy(Plain).Select(f => (f, PackedFile.ReadAll(f)))];
        }

        string packed = Path.Combine(directory, $"{archive}-binary.tar.gz");
        return File.Exists(packed) ? ReadArchive(packed) : [];
    }

    private static List<(string File, byte[] Content)> ReadArchive(string path)
    {
        var files = new List<(string, byte[])>();
        try
        {
            using FileStream stream = File.OpenRead(path);
            using var unpacked = new GZipStream(stream, CompressionMode.Decompress);
            using var tar = new TarReader(unpacked);
            while (tar.GetNextEntry() is { } entry)
            {
                if (entry.DataStream is { } content && entry.Name.EndsWith(".bin", StringComparison.Ordinal))
                    files.Add(($"{path}/{entry.Name}", PackedFile.ReadAll(path, content, content.Length)));
            }

            return files;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new DataFormatException($"{path} is no whole .tar.gz archive: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't read {path}: {e.Message}", e);
        }
    }

    private static ImageDataset Parse(
        string name, List<(string File, byte[] Content)> files, string[] classes, int labelBytes, LoadReport report, Normalization? normalization)
    {
        int record = labelBytes + Pixels;
        long total = files.Sum(f => (long)f.Content.Length / record);
        if (total * Pixels > Array.MaxLength)
            throw new DataFormatException($"{total} images of {Pixels} bytes don't fit one array; leave out some of {string.Join(", ", files.Select(f => f.File))}.");
        var pixels = new byte[total * Pixels];
        var labels = new int[total];
        int count = 0;
        foreach ((string file, byte[] content) in files)
        {
            if (content.Length == 0 || content.Length % record != 0)
            {
                int whole = content.Length / record;
                throw new DataFormatException(file, (long)whole * record, $"records of {record} bytes, at least one", $"{content.Length % record} bytes behind {whole} records");
            }

            for (int at = 0; at < content.Length; at += record)
            {
                int label = content[at + labelBytes - 1];
                if (label >= classes.Length)
                {
                    report.AddBad(new DataFormatException(file, at + labelBytes - 1, $"a label of 0 to {classes.Length - 1} for image {at / record}", $"{label}"));
                    continue;
                }

                labels[count] = label;
                content.AsSpan(at + labelBytes, Pixels).CopyTo(pixels.AsSpan(count++ * Pixels));
            }
        }

        if (count == 0)
            throw new DataFormatException($"{string.Join(", ", files.Select(f => f.File))}: no image is good, of {total}.");
        if (count < total)
            (pixels, labels) = (pixels[..(count * Pixels)], labels[..count]);
        return new ImageDataset(name, pixels, labels, Channels, Side, Side, classes, normalization);
    }
}
