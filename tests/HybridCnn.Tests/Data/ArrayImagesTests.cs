using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Tensors;
using HybridCnn.Tests.IO;

namespace HybridCnn.Tests.Data;

public class ArrayImagesTests
{
    private static readonly NpyArray s_images = new(Enumerable.Range(0, 3 * 2 * 4 * 5).Select(i => (byte)(i * 2)).ToArray(), [3, 2, 4, 5]);
    private static readonly NpyArray s_labels = new(new long[] { 2, 0, 1 }, [3]);

    [Fact]
    public void Reads_a_folder_of_two_files()
    {
        using var folder = new TempFolder();
        Npz.Write(folder["train.npz"], [("images", s_images), ("labels", s_labels)]);
        Npz.Write(folder["test.npz"], [("x", s_images), ("y", new(new byte[] { 1, 1, 2 }, [3, 1]))], compress: true);
        (ImageDataset train, ImageDataset test) = ArrayImages.Load(folder.Path);
        Assert.Equal("arrays: 3 images 2x4x5, 3 classes", train.ToString());
        Assert.Equal([2, 0, 1], Enumerable.Range(0, 3).Select(train.Label));
        Assert.Equal([1, 1, 2], Enumerable.Range(0, 3).Select(test.Label));
        Assert.Equal(((byte[])s_images.Values)[40..80], train.Image(1).ToArray());
        Assert.Same(train.Normalization, test.Normalization);
    }

    [Theory]
    [InlineData("train_images", "train_labels", "test_images", "test_labels")]
    [InlineData("x_train", "y_train", "x_test", "y_test")]
    public void Reads_one_file_with_grey_images(string images, string labels, string testImages, string testLabels)
    {
        using var folder = new TempFolder();
        var grey = new NpyArray(new byte[3 * 20], [3, 4, 5]);
        Npz.Write(folder["all.npz"], [(images, grey), (labels, s_labels), (testImages, grey), (testLabels, s_labels)]);
        Assert.Equal("arrays: 3 images 1x4x5, 3 classes", ArrayImages.Load(folder["all.npz"]).Train.ToString());
    }

    [Fact]
    public void Floats_from_0_to_1_keep_their_bytes_and_other_ranges_are_spanned_and_both_are_said()
    {
        using var folder = new TempFolder();
        float[] unit = [.. ((byte[])s_images.Values).Select(b => b / 255f)];
        float[] wide = [.. unit.Select(v => v * 4 - 1)];
        foreach ((float[] values, string said) in new[] { (unit, "from 0 to 1 "), (wide, $"from -1 to {238 / 255f * 4 - 1:0.####} ") })
        {
            var images = new NpyArray(values, s_images.Extents);
            Npz.Write(folder["a.npz"], [("train_images", images), ("train_labels", s_labels), ("test_images", images), ("test_labels", s_labels)]);
            var report = new LoadReport();
            (ImageDataset train, _) = ArrayImages.Load(folder["a.npz"], report);
            Assert.Contains(said, Assert.Single(report.Notes));
            for (int i = 0; i < 40; i++)
                Assert.Equal(values == unit ? i * 2 : i * 2 * 255 / 238.0, train.Image(0)[i], 0.51);
        }
    }

    [Fact]
    public void Reads_safetensors()
    {
        using var folder = new TempFolder();
        var images = new Tensor(new Shape(3, 1, 2, 2));
        images.Span.Fill(0.2f);
        SafeTensors.Write(folder["train.safetensors"], [("images", images)]);
        Assert.Contains("has none of labels, y. It has: images float [3, 1, 2, 2].", Fails(folder.Path, folder, "test.safetensors"));
    }

    [Fact]
    public void Labels_without_a_class_are_errors_or_left_out_and_counted()
    {
        using var folder = new TempFolder();
        Npz.Write(folder["a.npz"], [("x_train", s_images), ("y_train", new(new long[] { 1, -1, 0 }, [3])), ("x_test", s_images), ("y_test", s_labels)]);
        Assert.Equal($"{folder["a.npz"]}: image 1 has label -1, not one of 0 to 1.", Assert.Throws<DataFormatException>(() => ArrayImages.Load(folder["a.npz"])).Message);
        var report = new LoadReport { SkipBad = true };
        (ImageDataset train, ImageDataset test) = ArrayImages.Load(folder["a.npz"], report);
        Assert.Equal(2, report.Bad.Count);
        Assert.Equal([1, 0], Enumerable.Range(0, train.Count).Select(train.Label));
        Assert.Equal(((byte[])s_images.Values)[80..120], train.Image(1).ToArray());
        Assert.Equal(2, test.Count);
    }

    [Fact]
    public void Arrays_that_make_no_images_are_named_with_both_shapes()
    {
        using var folder = new TempFolder();
        Assert.Contains("labels are long [3]; there must be one for each of the 2 images", Try(new(new byte[40], [2, 1, 4, 5]), s_labels));
        Assert.Contains("look like [N, H, W, C]", Try(new(new byte[3 * 32 * 32 * 3], [3, 32, 32, 3]), s_labels));
        Assert.Contains("must be [N, C, H, W] or [N, H, W]", Try(new(new byte[60], [3, 20]), s_labels));
        Assert.Contains("bytes or floats", Try(new(new long[60], [3, 4, 5]), s_labels));
        Assert.Contains("whole numbers", Try(new(new byte[60], [3, 4, 5]), new(new float[3], [3])));
        Assert.Contains("is NaN", Try(new(new[] { 0, float.NaN, 1 }, [3, 1, 1]), s_labels));
        Assert.Contains("the test images are 2x4x5, the training images 1x4x5", Try(new(new byte[60], [3, 4, 5]), s_labels));
        Assert.Contains("both must be bytes, or both floats", Try(new(new float[120], [3, 2, 4, 5]), s_labels));
        Assert.Contains("there are none", Try(new(Array.Empty<byte>(), [0, 4, 5]), new(Array.Empty<long>(), [0])));
        Assert.Contains("has no train.npz and no train.safetensors", Assert.Throws<DataFormatException>(() => ArrayImages.Load(folder.Path)).Message);

        string Try(NpyArray images, NpyArray labels)
        {
            Npz.Write(folder["a.npz"], [("train_images", images), ("train_labels", labels), ("test_images", s_images), ("test_labels", s_labels)]);
            return Assert.Throws<DataFormatException>(() => ArrayImages.Load(folder["a.npz"])).Message;
        }
    }

    private static string Fails(string path, TempFolder folder, string test)
    {
        File.Copy(folder["train.safetensors"], folder[test]);
        return Assert.Throws<DataFormatException>(() => ArrayImages.Load(path)).Message;
    }
}
