using HybridCnn.Data;

namespace HybridCnn.Tests.Data;

public class ImageDatasetTests
{
    [Fact]
    public void Measures_mean_and_deviation_of_each_channel()
    {
        // Channel 0: 0 0 255 255. Channel 1: one colour.
        var data = new ImageDataset("two", [0, 255, 51, 51, 0, 255, 51, 51], [0, 1], 2, 1, 2, ["a", "b"]);
        Assert.Equal([0.5f, 0.2f], data.Mean.ToArray());
        Assert.Equal([0.5f, 1f], data.Deviation.ToArray());
        Assert.Equal("two: 2 images 2x1x2, 2 classes", data.ToString());
    }

    [Fact]
    public void Refuses_arrays_that_disagree()
    {
        AssertRefused("3 images of 1x2x2 don't make 11 bytes.", () => Create(new byte[11], [0, 0, 0]));
        AssertRefused("Image 2 has label 2, but there are 2 classes.", () => Create(new byte[12], [0, 1, 2]));
        AssertRefused("Image 0 has label -1, but there are 2 classes.", () => Create(new byte[4], [-1]));
        AssertRefused("x has no images.", () => Create([], []));
        AssertRefused(
            "65536 images of 65536x65536x65536 don't make 0 bytes.",
            () => new ImageDataset("x", [], new int[65536], 65536, 65536, 65536, ["a"]));
        AssertRefused(
            "The images have 1 channels, the normalization has 2.",
            () => new ImageDataset("x", [1], [0], 1, 1, 1, ["a"], new Normalization([0, 0], [1, 1])));
        Assert.Throws<ArgumentNullException>(() => Create(null!, [0]));
        Assert.Throws<ArgumentNullException>(() => Create([0], null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ImageDataset("x", [1], [0], 0, 1, 1, ["a"]));
    }

    [Fact]
    public void Refuses_an_index_outside() =>
        Assert.StartsWith("x has 1 images.", Assert.Throws<ArgumentOutOfRangeException>(() => Create(new byte[4], [0]).Image(1)).Message);

    [Fact]
    public void Normalization_refuses_what_it_cannot_divide_by()
    {
        AssertRefused("The deviation of channel 0 must be finite and above 0; got 0.", () => new Normalization([0], [0]));
        AssertRefused("The mean of channel 1 must be finite; got NaN.", () => new Normalization([0, float.NaN], [1, 1]));
        AssertRefused("One deviation per mean, at least one; got 1 means and 2 deviations.", () => new Normalization([0], [1, 1]));
        AssertRefused("One deviation per mean, at least one; got 0 means and 0 deviations.", () => new Normalization([], []));
        var two = new Normalization([0, 0], [1, 1]);
        Assert.StartsWith("4 pixels don't fit 5 floats.", Assert.Throws<ArgumentException>(() => two.Apply(new byte[4], new float[5])).Message);
        Assert.StartsWith("3 pixels aren't 2 planes of equal size.", Assert.Throws<ArgumentException>(() => two.Apply(new byte[3], new float[3])).Message);
        AssertRefused("7 pixels aren't images of 2 x 4 pixels.", () => Normalization.Measure(new byte[7], 2, 4));
    }

    private static ImageDataset Create(byte[] pixels, int[] labels) => new("x", pixels, labels, 1, 2, 2, ["a", "b"]);

    private static void AssertRefused(string message, Func<object> create) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(create).Message);
}
