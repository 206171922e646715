using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>
/// Loads the four original files of MNIST (LeCun, Cortes, Burges) and of Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017):
/// train-images-idx3-ubyte and so on, also as train-images.idx3-ubyte, packed with gzip (.gz) or not.
/// </summary>
public static class MnistFolder
{
    internal static readonly string[] Digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    // As in the README of Fashion-MNIST.
    private static readonly string[] Clothes =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>The names that <see cref="Load"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["mnist", "fashion-mnist"];

    /// <summary>Loads both parts. The test images are normalised as the training images are.</summary>
    /// <param name="directory">The folder with the four files.</param>
    /// <param name="name">"mnist" or "fashion-mnist": decides the names of the classes.</param>
    /// <exception cref="ArgumentException">Another name.</exception>
    /// <exception cref="DataFormatException">
    /// A file is missing (the message lists the names looked for), damaged, or disagrees with another.
    /// </exception>
    public static (ImageDataset Train, ImageDataset Test) Load(string directory, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        string[] classes = name switch
        {
            "mnist" => Digits,
            "fashion-mnist" => Clothes,
            _ => throw new ArgumentException($"There is no data set \"{name}\"; there are: {string.Join(", ", Names)}.", nameof(name)),
        };
        if (!Directory.Exists(directory))
            throw new DataFormatException($"There is no folder {Path.GetFullPath(directory)}; it should hold the four files of {name}.");
        // All four are looked for before the first is read.
        string[] files = [Find("train-images", 3), Find("train-labels", 1), Find("t10k-images", 3), Find("t10k-labels", 1)];
        ImageDataset train = Read(name, files[0], files[1], classes, trainedOn: null);
        return (train, Read(name, files[2], files[3], classes, train));

        string Find(string part, int rank)
        {
            string[] names = [$"{part}-idx{rank}-ubyte", $"{part}-idx{rank}-ubyte.gz", $"{part}.idx{rank}-ubyte", $"{part}.idx{rank}-ubyte.gz"];
            return names.Select(n => Path.Combine(directory, n)).FirstOrDefault(File.Exists) ?? throw new DataFormatException(
                $"{Path.GetFullPath(directory)} has none of {string.Join(", ", names)}. Put the four files of {name} there, packed or not, under their original names.");
        }
    }

    private static ImageDataset Read(string name, string imageFile, string labelFile, string[] classes, ImageDataset? trainedOn)
    {
        (byte[] labelBytes, int[] labelExtents) = Idx.Read(labelFile, rank: 1);
        (byte[] pixels, int[] extents) = Idx.Read(imageFile, rank: 3);
        if (labelExtents[0] != extents[0])
            throw new DataFormatException(labelFile, 4, $"{extents[0]} labels, one per image of {Path.GetFileName(imageFile)}", $"{labelExtents[0]}");
        if (trainedOn is not null && (trainedOn.Height != extents[1] || trainedOn.Width != extents[2]))
            throw new DataFormatException(imageFile, 8, $"images of {trainedOn.Height} x {trainedOn.Width}, as for training", $"{extents[1]} x {extents[2]}");
        var labels = new int[labelBytes.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = labelBytes[i] < classes.Length
                ? labelBytes[i]
                : throw new DataFormatException(labelFile, 8 + i, $"a label of 0 to {classes.Length - 1}", $"{labelBytes[i]}");
        }

        return new ImageDataset(name, pixels, labels, 1, extents[1], extents[2], classes, trainedOn?.Normalization);
    }
}
