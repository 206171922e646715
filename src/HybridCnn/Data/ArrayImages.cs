using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>
/// Loads images and labels from arrays: .npz or .safetensors, images [N, C, H, W] or [N, H, W], labels [N]. A folder holds train.npz and
/// test.npz (or .safetensors), each with the arrays images and labels; a file holds both, as train_images, train_labels, test_images and
/// test_labels. x and y may stand for images and labels, before or behind: x_train, as Keras has it.
/// Images are bytes, or floats, which become bytes: 0 to 1 as 0 to 255, any other range from its least to its largest, said in the report.
/// </summary>
public static class ArrayImages
{
    private static readonly string[] s_extensions = [".npz", ".safetensors"];

    /// <summary>Loads both parts. Test images are normalised as the training images are.</summary>
    /// <param name="path">The folder, or the file.</param>
    /// <param name="report">Hears of floats that were rounded, and of bad labels; null: a bad label is an error.</param>
    /// <exception cref="DataFormatException">An array is missing, of another shape or type, or has a label below 0.</exception>
    public static (ImageDataset Train, ImageDataset Test) Load(string path, LoadReport? report = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        report ??= new LoadReport();
        (NpyArray Images, NpyArray Labels, string File) train, test;
        if (Directory.Exists(path))
        {
            string trainFile = Find(path, "train"), testFile = Find(path, "test");
            train = Pick(trainFile, Read(trainFile), part: null);
            test = Pick(testFile, Read(testFile), part: null);
        }
        else
        {
            IReadOnlyDictionary<string, NpyArray> arrays = Read(path);
            train = Pick(path, arrays, "train");
            test = Pick(path, arrays, "test");
        }

        ImageSize size = SizeOf(train.File, train.Images), testSize = SizeOf(test.File, test.Images);
        var range = FloatRange.Of(train.Images);
        // Also finds a test image that isn't finite.
        if (range is null != FloatRange.Of(test.Images) is null)
            throw new DataFormatException($"{test.File}: the test images are {test.Images}, the training images {train.Images}; both must be bytes, or both floats.");
        range?.Tell(train.File, report);
        int[] trainLabels = Labels(train.File, train.Labels, train.Images), testLabels = Labels(test.File, test.Labels, test.Images);
        if (size != testSize)
            throw new DataFormatException($"{test.File}: the test images are {testSize}, the training images {size}.");
        int classes = trainLabels.Max() + 1;
        if (classes < 1)
            throw new DataFormatException($"{train.File}: every label is below 0.");
        string[] names = [.. Enumerable.Range(0, classes).Select(k => $"{k}")];
        ImageDataset trained = Create(train, trainLabels, size, names, range, report, normalization: null);
        return (trained, Create(test, testLabels, size, names, range, report, trained.Normalization));
    }

    private static string Find(string folder, string part) =>
        s_extensions.Select(e => Path.Combine(folder, part + e)).FirstOrDefault(File.Exists)
        ?? throw new DataFormatException($"{Path.GetFullPath(folder)} has no {part}.npz and no {part}.safetensors. Each part has the arrays images [N, C, H, W] and labels [N].");

    private static IReadOnlyDictionary<string, NpyArray> Read(string path)
    {
        if (!path.EndsWith(".safetensors", StringComparison.Ordinal))
            return Npz.Read(path);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        return file.Entries.ToDictionary(e => e.Name, e => new NpyArray(
            e.ElementType switch
            {
                "U8" => file.ReadArray<byte>(e.Name),
                "I32" => file.ReadArray<int>(e.Name),
                "I64" => file.ReadArray<long>(e.Name),
                "F64" => file.ReadArray<double>(e.Name),
                "F32" => file.ReadArray<float>(e.Name),
                _ => throw new DataFormatException($"{path}: {e}; images are U8, F32 or F64, labels I64, I32 or U8."),
            },
            e.Extents));
    }

    private static (NpyArray Images, NpyArray Labels, string File) Pick(string file, IReadOnlyDictionary<string, NpyArray> arrays, string? part)
    {
        return (One("images", "x"), One("labels", "y"), file);

        NpyArray One(string word, string letter)
        {
            string[] names = part is null ? [word, letter] : [$"{part}_{word}", $"{word}_{part}", $"{part}_{letter}", $"{letter}_{part}"];
            return names.Where(arrays.ContainsKey).Select(n => arrays[n]).FirstOrDefault() ?? throw new DataFormatException(
                $"{file} has none of {string.Join(", ", names)}. It has: {string.Join(", ", arrays.Select(a => $"{a.Key} {a.Value}"))}.");
        }
    }

    private static ImageSize SizeOf(string file, NpyArray images)
    {
        if (images.Values is not (byte[] or float[] or double[]))
            throw new DataFormatException($"{file}: images are {images}; they must be bytes or floats.");
        ImageSize size = images.Extents switch
        {
            [_, var h, var w] => new(1, h, w),
            [_, var c, var h, var w] => new(c, h, w),
            _ => throw new DataFormatException($"{file}: images are {images}; they must be [N, C, H, W] or [N, H, W]."),
        };
        if (images.Values.Length == 0)
            throw new DataFormatException($"{file}: images are {images}: there are none.");
        if (size.Width is 1 or 3 or 4 && size.Channels > 4)
            throw new DataFormatException($"{file}: images {images} look like [N, H, W, C]; save images.transpose(0, 3, 1, 2), which is [N, C, H, W].");
        return size;
    }

    private static int[] Labels(string file, NpyArray labels, NpyArray images)
    {
        // Keras has [N, 1].
        if (labels.Extents is not ([_] or [_, 1]) || labels.Values.Length != images.Extents[0])
            throw new DataFormatException($"{file}: labels are {labels}; there must be one for each of the {images.Extents[0]} images.");
        return labels.Values switch
        {
            byte[] values => [.. values.Select(v => (int)v)],
            short[] values => [.. values.Select(v => (int)v)],
            int[] values => values,
            // Out of range either way, and named as it is when it is found.
            long[] values => [.. values.Select(v => (int)Math.Clamp(v, int.MinValue, int.MaxValue))],
            _ => throw new DataFormatException($"{file}: labels are {labels}; they must be whole numbers."),
        };
    }

    private static ImageDataset Create(
        (NpyArray Images, NpyArray Labels, string File) part, int[] labels, ImageSize size, string[] names, FloatRange? range, LoadReport report, Normalization? normalization)
    {
        byte[] pixels = FloatRange.ToBytes(part.Images, range);
        int bytes = size.Channels * size.Height * size.Width, count = 0;
        var kept = new int[labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels[i] >= (uint)names.Length)
            {
                report.AddBad(new DataFormatException($"{part.File}: image {i} has label {labels[i]}, not one of 0 to {names.Length - 1}."));
                continue;
            }

            kept[count] = labels[i];
            if (count < i)
                pixels.AsSpan(i * bytes, bytes).CopyTo(pixels.AsSpan(count * bytes));
            count++;
        }

        if (count == 0)
            throw new DataFormatException($"{part.File}: no label is one of 0 to {names.Length - 1}.");
        return new ImageDataset("arrays", count < labels.Length ? pixels[..(count * bytes)] : pixels, kept[..count], size.Channels, size.Height, size.Width, names, normalization);
    }

    private readonly record struct ImageSize(int Channels, int Height, int Width)
    {
        public override string ToString() => $"{Channels}x{Height}x{Width}";
    }
}
