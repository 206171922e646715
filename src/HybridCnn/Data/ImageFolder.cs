using HybridCnn.IO;
using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>
/// Loads pictures that lie in one folder per class. The folder has the classes in train/ and test/ (or val/), or the classes alone, of which a
/// seeded share is then kept for testing. Every picture is decoded once, on all threads, and kept as bytes: an epoch costs no decoding, and a set
/// may have at most 2 GB of pixels.
/// </summary>
public static class ImageFolder
{
    private static readonly string[] s_extensions = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];
    private static readonly string[] s_testNames = ["test", "val", "valid", "validation"];

    /// <summary>Loads both parts. Test images are normalised as the training images are.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="decoder">Reads the pictures.</param>
    /// <param name="options">Size, colours and split; null: those of the first picture, a fifth for testing.</param>
    /// <param name="report">Hears of ignored files and bad pictures; null: a bad picture is an error.</param>
    /// <exception cref="ArgumentException">Options that make no data set.</exception>
    /// <exception cref="DataFormatException">No class, an empty class, a picture that can't be read or has another size, or too many pixels.</exception>
    public static (ImageDataset Train, ImageDataset Test) Load(string directory, ImageDecoder decoder, ImageFolderOptions? options = null, LoadReport? report = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new ImageFolderOptions();
        options.Check();
        report ??= new LoadReport();
        if (!Directory.Exists(directory))
            throw new DataFormatException($"There is no folder {Path.GetFullPath(directory)}; it should hold a folder per class, or train and test with those.");
        string trainFolder = Path.Combine(directory, "train");
        string? testFolder = s_testNames.Select(n => Path.Combine(directory, n)).FirstOrDefault(Directory.Exists);
        try
        {
            if (Directory.Exists(trainFolder) && testFolder is not null)
            {
                string[] classes = Classes(trainFolder);
                string[] unknown = [.. Classes(testFolder).Except(classes)];
                return unknown.Length == 0
                    ? Decode(directory, classes, Files(trainFolder, classes, report), Files(testFolder, classes, report), decoder, options, report)
                    : throw new DataFormatException($"{testFolder} has the classes {string.Join(", ", unknown)}, which {trainFolder} doesn't have.");
            }

            string root = Directory.Exists(trainFolder) ? trainFolder : directory;
            string[] names = Classes(root);
            (List<LabelledFile> forTraining, List<LabelledFile> forTest) = Split(Files(root, names, report), names, options);
            return Decode(directory, names, forTraining, forTest, decoder, options, report);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't read {directory}: {e.Message}", e);
        }
    }

    private static string[] Classes(string folder)
    {
        string[] names = [.. Directory.GetDirectories(folder).Select(d => Path.GetFileName(d)).Where(n => !n.StartsWith('.')).Order(StringComparer.Ordinal)];
        return names.Length > 0 ? names : throw new DataFormatException($"{folder} is empty: it has no folder, and each class needs one.");
    }

    private static List<LabelledFile> Files(string folder, string[] classes, LoadReport report)
    {
        var found = new List<LabelledFile>();
        int others = 0;
        string? other = null;
        for (int label = 0; label < classes.Length; label++)
        {
            string classFolder = Path.Combine(folder, classes[label]);
            int before = found.Count;
            string[] files = Directory.Exists(classFolder) ? Directory.GetFiles(classFolder, "*", SearchOption.AllDirectories) : [];
            foreach (string file in files.Order(StringComparer.Ordinal))
            {
                if (s_extensions.Contains(Path.GetExtension(file).ToLowerInvariant()))
                {
                    found.Add(new(file, label));
                    continue;
                }

                others++;
                other ??= file;
            }

            if (found.Count == before)
                report.AddBad(new DataFormatException($"{classFolder} is empty: it has no picture ({string.Join(", ", s_extensions)})."));
        }

        if (others > 0)
            report.Note($"{folder}: {others} {(others == 1 ? "file that is no picture was" : "files that are no pictures were")} left out, the first {other}.");
        return found;
    }

    // Class by class, so that each is kept for testing in the same share.
    private static (List<LabelledFile> Train, List<LabelledFile> Test) Split(List<LabelledFile> files, string[] classes, ImageFolderOptions options)
    {
        var random = new SeededRandom(options.Seed);
        List<LabelledFile> train = [], test = [];
        for (int label = 0; label < classes.Length; label++)
        {
            LabelledFile[] own = [.. files.Where(f => f.Label == label)];
            random.Shuffle(own.AsSpan());
            int kept = own.Length < 2 ? 0 : Math.Clamp((int)Math.Round(own.Length * options.TestShare), 1, own.Length - 1);
            test.AddRange(own[..kept].OrderBy(f => f.Path, StringComparer.Ordinal));
            train.AddRange(own[kept..].OrderBy(f => f.Path, StringComparer.Ordinal));
        }

        return (train, test);
    }

    private static (ImageDataset Train, ImageDataset Test) Decode(
        string directory, string[] classes, List<LabelledFile> train, List<LabelledFile> test, ImageDecoder decoder, ImageFolderOptions options, LoadReport report)
    {
        if (train.Count == 0 || test.Count == 0)
            throw new DataFormatException($"{directory} has {train.Count} pictures to train on and {test.Count} to test with; it needs some of both.");
        var pictures = new PictureSet(decoder, options, report);
        ImageDataset trained = pictures.Decode(train, classes, normalization: null);
        return (trained, pictures.Decode(test, classes, trained.Normalization));
    }
}
