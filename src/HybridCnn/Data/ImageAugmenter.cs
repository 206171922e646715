using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Data;

/// <summary>Varies and normalises one image at a time, with scratch memory of its own: one thread at a time.</summary>
internal sealed class ImageAugmenter
{
    private readonly Augmentation _settings;
    private readonly ImageDataset _data;
    private readonly byte[] _moved;
    private readonly SeededRandom _random = new(0);

    /// <param name="settings">What to vary.</param>
    /// <param name="data">The images.</param>
    /// <exception cref="ArgumentOutOfRangeException">Settings that don't fit the images.</exception>
    public ImageAugmenter(Augmentation settings, ImageDataset data)
    {
        settings.Check(data.Height, data.Width);
        _settings = settings;
        _data = data;
        _moved = new byte[data.Channels * data.Height * data.Width];
    }

    /// <summary>Whether the images of a batch are mixed with each other.</summary>
    public bool Mixes => _settings.Mixup > 0;

    /// <summary>Writes an image as it is seen in an epoch.</summary>
    /// <param name="epochState">The random state that the epoch began with.</param>
    /// <param name="index">Which image.</param>
    /// <param name="x">[C, H, W]; overwritten.</param>
    public void Write(ulong epochState, int index, Span<float> x)
    {
        _random.State = SeedOf(epochState, (ulong)index + 1);
        _data.Normalization.Apply(Moved(_data.Image(index)), x);
        if (_settings.Cutout > 0)
            CutOut(x);
    }

    /// <summary>The share of its own that each image of a batch keeps; 1 without mixup.</summary>
    /// <param name="epochState">The random state that the epoch began with.</param>
    /// <param name="done">Images of the epoch before the batch.</param>
    public float MixupShare(ulong epochState, int done)
    {
        if (!Mixes)
            return 1;
        // Apart from the images' own sequences, which count up from 1.
        _random.State = SeedOf(epochState, ~(ulong)done);
        return BetaDistribution.Draw(_settings.Mixup, _random);
    }

    // Two rounds of SplitMix64's function: sequences that begin at hashed places don't run into each other.
    private static ulong SeedOf(ulong epochState, ulong number) => Hash(Hash(epochState) ^ number);

    private static ulong Hash(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private ReadOnlySpan<byte> Moved(ReadOnlySpan<byte> image)
    {
        int pad = _settings.CropPadding;
        int dr = pad == 0 ? 0 : _random.NextInt(2 * pad + 1) - pad, dc = pad == 0 ? 0 : _random.NextInt(2 * pad + 1) - pad;
        bool mirrored = _settings.HorizontalFlip && _random.NextInt(2) == 1;
        if (!_settings.IsAffine && dr == 0 && dc == 0 && !mirrored)
            return image;
        int height = _data.Height, width = _data.Width, plane = height * width;
        AffineMap map = _settings.IsAffine ? DrawMap(dr, dc, mirrored) : default;
        for (int c = 0; c < _data.Channels; c++)
        {
            ReadOnlySpan<byte> from = image.Slice(c * plane, plane);
            Span<byte> to = _moved.AsSpan(c * plane, plane);
            if (_settings.IsAffine)
                ImageWarp.Run(from, height, width, map, to);
            else
                ImageShift.Run(from, height, width, dr, dc, mirrored, to);
        }

        return _moved;
    }

    // An image is slanted, turned, scaled about its middle and moved; a kernel looks the other way, from where a pixel ends to
    // where it came from: (c, r) → crop and flip → less the move → turned back → slanted back → scaled back.
    private AffineMap DrawMap(int dr, int dc, bool mirrored)
    {
        float angle = Degrees(_settings.Rotation), scale = 1 + Either(_settings.Scale), slant = MathF.Tan(Degrees(_settings.Shear));
        float moveX = Either(_settings.Translation) * _data.Width, moveY = Either(_settings.Translation) * _data.Height;
        float cos = MathF.Cos(angle) / scale, sin = MathF.Sin(angle) / scale;
        float xx = cos + slant * sin, xy = sin - slant * cos, yx = -sin, yy = cos;
        float midX = (_data.Width - 1) / 2f, midY = (_data.Height - 1) / 2f;
        // Of the pixel (0, 0), and how a column further goes.
        float startX = (mirrored ? _data.Width - 1 - dc : dc) - moveX - midX, startY = dr - moveY - midY, step = mirrored ? -1 : 1;
        return new AffineMap(
            xx * step, xy, xx * startX + xy * startY + midX,
            yx * step, yy, yx * startX + yy * startY + midY);
    }

    private float Degrees(float most) => Either(most) * (MathF.PI / 180);

    private float Either(float most) => most == 0 ? 0 : _random.NextFloat(-most, most);

    private void CutOut(Span<float> x)
    {
        int height = _data.Height, width = _data.Width, side = _settings.Cutout;
        int top = _random.NextInt(height) - side / 2, left = _random.NextInt(width) - side / 2;
        int firstRow = Math.Max(top, 0), behindRow = Math.Min(top + side, height), first = Math.Max(left, 0), behind = Math.Min(left + side, width);
        for (int c = 0; c < _data.Channels; c++)
        {
            for (int r = firstRow; r < behindRow; r++)
                x.Slice((c * height + r) * width + first, behind - first).Clear();
        }
    }
}
