namespace HybridCnn.Data;

/// <summary>Labelled images of one size, as bytes in memory, with the names of the classes. Immutable: any number of threads may read it.</summary>
public sealed class ImageDataset
{
    private readonly byte[] _pixels;
    private readonly int[] _labels;

    /// <summary>Takes over the arrays; don't change them afterwards.</summary>
    /// <param name="name">For messages and reports.</param>
    /// <param name="pixels">All images, [N, C, H, W].</param>
    /// <param name="labels">One class per image, 0 to the number of classes - 1.</param>
    /// <param name="channels">C, at least 1.</param>
    /// <param name="height">H, at least 1.</param>
    /// <param name="width">W, at least 1.</param>
    /// <param name="classNames">The name of each class.</param>
    /// <param name="normalization">How a network sees the pixels; null to measure it on these images. A test set takes its training set's.</param>
    /// <exception cref="ArgumentException">Empty, sizes that disagree, or a label without a class.</exception>
    public ImageDataset(
        string name, byte[] pixels, int[] labels, int channels, int height, int width,
        IReadOnlyList<string> classNames, Normalization? normalization = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (labels.Length == 0)
            throw new ArgumentException($"{name} has no images.", nameof(labels));
        if ((Int128)labels.Length * channels * height * width != pixels.Length)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {channels}x{height}x{width} don't make {pixels.Length} bytes.", nameof(pixels));
        }

        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels[i] >= (uint)classNames.Count)
                throw new ArgumentException($"Image {i} has label {labels[i]}, but there are {classNames.Count} classes.", nameof(labels));
        }

        if (normalization is not null && normalization.Channels != channels)
        {
            throw new ArgumentException(
                $"The images have {channels} channels, the normalization has {normalization.Channels}.", nameof(normalization));
        }

        Name = name;
        _pixels = pixels;
        _labels = labels;
        Channels = channels;
        Height = height;
        Width = width;
        ClassNames = [.. classNames];
        Normalization = normalization ?? Normalization.Measure(pixels, channels, height * width);
    }

    /// <summary>For messages and reports: "mnist".</summary>
    public string Name { get; }

    /// <summary>Number of images.</summary>
    public int Count => _labels.Length;

    /// <summary>Channels of an image.</summary>
    public int Channels { get; }

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Columns of an image.</summary>
    public int Width { get; }

    /// <summary>The name of each class; a label is an index into it.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>How a network sees the pixels.</summary>
    public Normalization Normalization { get; }

    /// <summary>Mean of pixel / 255 over the training images, one per channel.</summary>
    public ReadOnlySpan<float> Mean => Normalization.Mean;

    /// <summary>Standard deviation of pixel / 255 over the training images, one per channel.</summary>
    public ReadOnlySpan<float> Deviation => Normalization.Deviation;

    /// <summary>The pixels of one image, [C, H, W].</summary>
    public ReadOnlySpan<byte> Image(int index)
    {
        CheckIndex(index);
        int size = Channels * Height * Width;
        return _pixels.AsSpan(index * size, size);
    }

    /// <summary>The class of one image.</summary>
    public int Label(int index)
    {
        CheckIndex(index);
        return _labels[index];
    }

    /// <summary>"mnist: 60000 images 1x28x28, 10 classes".</summary>
    public override string ToString() => $"{Name}: {Count} images {Channels}x{Height}x{Width}, {ClassNames.Count} classes";

    private void CheckIndex(int index)
    {
        if ((uint)index >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"{Name} has {Count} images.");
    }
}
