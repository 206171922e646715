namespace HybridCnn.Data;

/// <summary>
/// How training images are varied. Every image of every epoch has a random sequence of its own, which follows from the loader's
/// state and the image's number alone: neither threads nor the batch decide what becomes of it.
/// Order: affine map, crop and flip on the bytes; normalization; cutout and mixup on the floats.
/// </summary>
public sealed record Augmentation
{
    /// <summary>Pads every side by so many black pixels and cuts the old size out at a random place; 0 = off. Usual for CIFAR: 4.</summary>
    public int CropPadding { get; init; }

    /// <summary>Exchanges left and right in every second image, at random.</summary>
    public bool HorizontalFlip { get; init; }

    /// <summary>Turns by up to so many degrees either way, around the middle.</summary>
    public float Rotation { get; init; }

    /// <summary>Enlarges by 1 - s to 1 + s, around the middle; below 1.</summary>
    public float Scale { get; init; }

    /// <summary>Slants by up to so many degrees either way; below 90.</summary>
    public float Shear { get; init; }

    /// <summary>Moves by up to this share of the sides either way.</summary>
    public float Translation { get; init; }

    /// <summary>
    /// Side of a square that is set to the mean colour, its middle anywhere in the image (DeVries and Taylor, Improved Regularization
    /// of Convolutional Neural Networks with Cutout, 2017); 0 = off.
    /// </summary>
    public int Cutout { get; init; }

    /// <summary>
    /// Alpha of mixup (Zhang, Cisse, Dauphin, Lopez-Paz: mixup, 2018): each batch is mixed with itself in reverse order, with a share drawn from
    /// Beta(alpha, alpha); 0 = off.
    /// </summary>
    public float Mixup { get; init; }

    /// <summary>Whether images go through an affine map.</summary>
    internal bool IsAffine => Rotation > 0 || Scale > 0 || Shear > 0 || Translation > 0;

    /// <exception cref="ArgumentOutOfRangeException">A number that no image can be varied by.</exception>
    internal void Check(int height, int width)
    {
        Require(CropPadding >= 0 && CropPadding <= Math.Min(height, width), CropPadding, nameof(CropPadding), $"0 to {Math.Min(height, width)}, the shorter side");
        Require(Cutout >= 0 && Cutout <= Math.Max(height, width), Cutout, nameof(Cutout), $"0 to {Math.Max(height, width)}, the longer side");
        Require(Rotation is >= 0 and <= 180, Rotation, nameof(Rotation), "0 to 180 degrees");
        Require(Scale is >= 0 and < 1, Scale, nameof(Scale), "0 to below 1");
        Require(Shear is >= 0 and < 90, Shear, nameof(Shear), "0 to below 90 degrees");
        Require(Translation is >= 0 and <= 1, Translation, nameof(Translation), "0 to 1");
        Require(Mixup is >= 0 and <= 100, Mixup, nameof(Mixup), "0 to 100");
    }

    private static void Require(bool holds, float value, string name, string expected)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be {expected}.");
    }
}
