using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Tests.IO;

namespace HybridCnn.Tests.Data;

/// <summary>With a decoder whose pictures are text: channels, rows, columns and one grey value. The command line's tests decode real ones.</summary>
public class ImageFolderTests
{
    [Fact]
    public void Classes_are_the_folders_in_order_and_files_lie_in_them()
    {
        using var folder = new TempFolder();
        foreach (string part in (string[])["train", "test"])
        {
            foreach (string name in (string[])["zebra", "ant", "Bee"])
                Picture(folder, $"{part}/{name}/deep/2.png", 1, 3, 4, name.Length * 10);
            Picture(folder, $"{part}/ant/1.JPG", 1, 3, 4, 77);
        }

        Write(folder, "train/ant/notes.txt", "x");
        Write(folder, "train/README.md", "x");
        var report = new LoadReport();
        (ImageDataset train, ImageDataset test) = ImageFolder.Load(folder.Path, Decode, report: report);
        Assert.Equal(["Bee", "ant", "zebra"], train.ClassNames);
        Assert.Equal("image-folder: 4 images 1x3x4, 3 classes", train.ToString());
        Assert.Equal([(0, 30), (1, 77), (1, 30), (2, 50)], Enumerable.Range(0, 4).Select(i => (train.Label(i), (int)train.Image(i)[11])));
        Assert.Equal(4, test.Count);
        Assert.Same(train.Normalization, test.Normalization);
        Assert.Contains("1 file that is no picture was left out", Assert.Single(report.Notes));
    }

    [Fact]
    public void Without_test_images_each_class_keeps_a_seeded_share()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 20; i++)
        {
            Picture(folder, $"a/{i}.png", 1, 2, 2, i);
            if (i < 10)
                Picture(folder, $"b/{i}.png", 1, 2, 2, 100 + i);
        }

        (ImageDataset train, ImageDataset test) = ImageFolder.Load(folder.Path, Decode);
        Assert.Equal((24, 6), (train.Count, test.Count));
        Assert.Equal([4, 2], Enumerable.Range(0, 2).Select(k => Enumerable.Range(0, 6).Count(i => test.Label(i) == k)));
        Assert.Equal(30, Values(train).Concat(Values(test)).Distinct().Count());
        Assert.Equal(Values(test), Values(ImageFolder.Load(folder.Path, Decode).Test));
        Assert.NotEqual(Values(test), Values(ImageFolder.Load(folder.Path, Decode, new() { Seed = 2 }).Test));
        Assert.Equal(15, ImageFolder.Load(folder.Path, Decode, new() { TestShare = 0.5 }).Test.Count);

        static int[] Values(ImageDataset data) => [.. Enumerable.Range(0, data.Count).Select(i => (int)data.Image(i)[0])];
    }

    [Fact]
    public void Bad_pictures_are_errors_naming_the_file_or_left_out_and_listed()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 6; i++)
            Picture(folder, $"train/a/{i}.png", 1, 2, 3, i);
        Picture(folder, "test/a/0.png", 1, 2, 3, 9);
        Write(folder, "train/a/0.png", "broken");
        Picture(folder, "train/a/3.png", 1, 2, 2, 3);
        Assert.Contains("0.png is no picture", Assert.Throws<DataFormatException>(() => ImageFolder.Load(folder.Path, Decode)).Message);
        var report = new LoadReport { SkipBad = true };
        (ImageDataset train, _) = ImageFolder.Load(folder.Path, Decode, report: report);
        Assert.Equal([1, 2, 4, 5], Enumerable.Range(0, train.Count).Select(i => (int)train.Image(i)[5]));
        Assert.Equal(2, report.Bad.Count);
        Assert.Contains("3.png has 2x2 pixels, the pictures before it 2x3", report.Bad[1].Message);
        // Scaled, the other size is as good.
        Assert.Equal(5, ImageFolder.Load(folder.Path, Decode, new() { Height = 4, Width = 4 }, new LoadReport { SkipBad = true }).Train.Count);
    }

    [Fact]
    public void Empty_folders_are_named()
    {
        using var folder = new TempFolder();
        Assert.Contains("is empty: it has no folder", Fails());
        Directory.CreateDirectory(folder["a"]);
        Assert.Contains($"{folder["a"]} is empty: it has no picture", Fails());
        Picture(folder, "a/1.png", 1, 2, 2, 1);
        Assert.Contains("1 pictures to train on and 0 to test with", Fails());
        Picture(folder, "a/2.png", 1, 2, 2, 1);
        Assert.Equal(1, ImageFolder.Load(folder.Path, Decode).Test.Count);
        Write(folder, "a/1.png", "broken");
        Write(folder, "a/2.png", "broken");
        Assert.Contains("can be read", Fails());
        Picture(folder, "train/a/1.png", 1, 2, 2, 1);
        Picture(folder, "val/b/1.png", 1, 2, 2, 1);
        Assert.Contains("has the classes b, which", Fails());
        Assert.Contains("There is no folder", Assert.Throws<DataFormatException>(() => ImageFolder.Load(folder["none"], Decode)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFolder.Load(folder.Path, Decode, new() { TestShare = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFolder.Load(folder.Path, Decode, new() { Height = 3 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFolder.Load(folder.Path, Decode, new() { Channels = 2 }));

        string Fails() => Assert.Throws<DataFormatException>(() => ImageFolder.Load(folder.Path, Decode)).Message;
    }

    [Fact]
    public void Too_many_pixels_are_refused_before_any_memory_is_taken()
    {
        using var folder = new TempFolder();
        for (int i = 0; i < 60; i++)
            Picture(folder, $"a/{i}.png", 1, 2, 2, 1);
        Assert.Contains("make 2,415,919,104 bytes", Assert.Throws<DataFormatException>(
            () => ImageFolder.Load(folder.Path, Decode, new() { Height = 4096, Width = 4096, Channels = 3 })).Message);
    }

    private static void Picture(TempFolder folder, string name, int channels, int height, int width, int value) => Write(folder, name, $"{channels} {height} {width} {value}");

    private static void Write(TempFolder folder, string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
        File.WriteAllText(folder[name], text);
    }

    private static DecodedImage Decode(string path, int channels, int height, int width)
    {
        string text = File.ReadAllText(path);
        if (text == "broken")
            throw new DataFormatException($"{path} is no picture.");
        int[] own = [.. text.Split(' ').Select(int.Parse)];
        (channels, height, width) = (channels == 0 ? own[0] : channels, height == 0 ? own[1] : height, width == 0 ? own[2] : width);
        var pixels = new byte[channels * height * width];
        Array.Fill(pixels, (byte)own[3]);
        return new DecodedImage(pixels, channels, height, width);
    }
}
