using HybridCnn.Data;

namespace HybridCnn.Benchmarks.Learning;

/// <summary>The data sets of `versus --train`.</summary>
internal static class TrainingImages
{
    public const string Digits = "digits";

    /// <summary>Loads a data set.</summary>
    /// <param name="name">"digits", which are drawn, or a set of files.</param>
    /// <param name="directory">Where the files are; null for digits.</param>
    /// <param name="heldOut">So many of the last training images are tested on instead: of few test images, each is too large a step of the accuracy.</param>
    public static (ImageDataset Train, ImageDataset Test) Load(string name, string? directory, int heldOut)
    {
        if (directory is null && name != Digits)
            throw new ArgumentException($"--data {name} needs the folder with its files: --data-dir.");
        (ImageDataset train, ImageDataset test) = name == Digits ? SyntheticDigits.Generate()
            : CifarFolder.Names.Contains(name) ? CifarFolder.Load(directory!, name)
            : MnistFolder.Load(directory!, name);
        if (heldOut == 0)
            return (train, test);
        if (heldOut < 0 || heldOut >= train.Count)
            throw new ArgumentException($"--held-out {heldOut}: there are {train.Count} training images, and some must be left.");
        int kept = train.Count - heldOut;
        ImageDataset rest = Gather(train, null, (train, 0, kept));
        return (rest, Gather(test, rest.Normalization, (train, kept, heldOut), (test, 0, test.Count)));
    }

    private static ImageDataset Gather(ImageDataset like, Normalization? normalization, params (ImageDataset Set, int First, int Count)[] parts)
    {
        int size = like.Image(0).Length, count = parts.Sum(part => part.Count), done = 0;
        var pixels = new byte[count * size];
        var labels = new int[count];
        foreach ((ImageDataset set, int first, int images) in parts)
        {
            for (int i = first; i < first + images; i++, done++)
            {
                set.Image(i).CopyTo(pixels.AsSpan(done * size));
                labels[done] = set.Label(i);
            }
        }

        return new ImageDataset(like.Name, pixels, labels, like.Channels, like.Height, like.Width, like.ClassNames, normalization);
    }
}
