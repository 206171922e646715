using System.Formats.Tar;
using System.IO.Compression;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Data;

public class CifarFolderTests
{
    private const int Pixels = 3 * 32 * 32;

    [SharedDataFact("cifar10")]
    public void Loads_the_published_images_and_says_what_is_missing()
    {
        var report = new LoadReport();
        (ImageDataset train, ImageDataset test) = CifarFolder.Load(SharedData.Part("cifar10")!, "cifar10", report);
        Assert.Equal("cifar10: 20000 images 3x32x32, 10 classes", train.ToString());
        Assert.Equal(1000, test.Count);
        Assert.Equal([6, 9, 9, 4, 1, 1, 2, 7, 8, 3], Enumerable.Range(0, 10).Select(train.Label));
        // Of batch 1, as published with it.
        Assert.Equal([1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981], Enumerable.Range(0, 10_000).GroupBy(train.Label).OrderBy(g => g.Key).Select(g => g.Count()));
        Assert.Equal("frog", train.ClassNames[train.Label(0)]);
        // The known means and deviations of CIFAR-10, of which this is two fifths.
        Assert.Equal([0.4914, 0.4822, 0.4465], train.Mean.ToArray().Select(m => (double)m), (a, b) => Math.Abs(a - b) < 0.005);
        Assert.Equal([0.2470, 0.2435, 0.2616], train.Deviation.ToArray().Select(m => (double)m), (a, b) => Math.Abs(a - b) < 0.005);
        Assert.Same(train.Normalization, test.Normalization);
        Assert.Contains(report.Notes, n => n == "data_batch_3.bin, data_batch_4.bin, data_batch_5.bin are missing: training on 2 of 5 batches.");
        Assert.Contains(report.Notes, n => n == "test_batch.bin is missing; test_first1000.bin.gz is the test set.");
    }

    [Theory]
    [InlineData("files")]
    [InlineData("gz")]
    [InlineData("subfolder")]
    [InlineData("archive")]
    public void Reads_every_layout_of_the_original_files(string layout)
    {
        using var folder = new TempFolder();
        byte[][] batches = [.. Enumerable.Range(1, 5).Select(n => Records(1, (byte)n, (byte)(n + 1)))];
        byte[] test = Records(1, 7, 8, 9);
        (string, byte[])[] files = [.. batches.Select((b, i) => ($"data_batch_{i + 1}.bin", b)), ("test_batch.bin", test), ("batches.meta.txt", [1, 2])];
        Write(folder, layout, "cifar-10-batches-bin", "cifar-10-binary.tar.gz", files);
        var report = new LoadReport();
        (ImageDataset train, ImageDataset tested) = CifarFolder.Load(folder.Path, "cifar10", report);
        Assert.Empty(report.Notes);
        Assert.Equal([1, 2, 2, 3, 3, 4, 4, 5, 5, 6], Enumerable.Range(0, 10).Select(train.Label));
        Assert.Equal([7, 8, 9], Enumerable.Range(0, 3).Select(tested.Label));
        for (int i = 0; i < 10; i++)
            Assert.Equal(batches[i / 2].AsSpan(i % 2 * (1 + Pixels) + 1, Pixels), train.Image(i));
    }

    [Theory]
    [InlineData("files")]
    [InlineData("archive")]
    public void Hundred_classes_have_the_fine_label_behind_the_coarse_one(string layout)
    {
        using var folder = new TempFolder();
        Write(folder, layout, "cifar-100-binary", "cifar-100-binary.tar.gz", [("train.bin", Records(2, 0, 99, 50)), ("test.bin", Records(2, 13))]);
        (ImageDataset train, ImageDataset test) = CifarFolder.Load(folder.Path, "cifar100");
        Assert.Equal(["apple", "worm", "mouse"], Enumerable.Range(0, 3).Select(i => train.ClassNames[train.Label(i)]));
        Assert.Equal("bus", test.ClassNames[test.Label(0)]);
        Assert.Equal(100, train.ClassNames.Distinct().Count());
        Assert.Equal(train.ClassNames.Order(StringComparer.Ordinal), train.ClassNames);
    }

    [Fact]
    public void A_label_without_a_class_is_an_error_with_its_place_or_is_left_out_and_counted()
    {
        using var folder = new TempFolder();
        folder.Write("data_batch_1.bin", Records(1, 3, 10, 4));
        folder.Write("test_batch.bin", Records(1, 255, 1));
        DataFormatException error = Assert.Throws<DataFormatException>(() => CifarFolder.Load(folder.Path, "cifar10"));
        Assert.Equal($"{folder["data_batch_1.bin"]}, byte 3073: expected a label of 0 to 9 for image 1, found 10.", error.Message);
        var report = new LoadReport { SkipBad = true };
        (ImageDataset train, ImageDataset test) = CifarFolder.Load(folder.Path, "cifar10", report);
        Assert.Equal([3, 4], Enumerable.Range(0, train.Count).Select(train.Label));
        Assert.Equal(Records(1, 3, 10, 4).AsSpan(2 * (1 + Pixels) + 1, Pixels), train.Image(1));
        Assert.Equal(1, test.Label(0));
        Assert.Equal([folder["data_batch_1.bin"], folder["test_batch.bin"]], report.Bad.Select(b => b.File));
    }

    [Fact]
    public void Damaged_and_missing_files_are_named()
    {
        using var folder = new TempFolder();
        Assert.Contains("data_batch_1.bin, data_batch_2.bin", Fails());
        folder.Write("data_batch_1.bin", Records(1, 3));
        Assert.Contains("has no test_batch.bin", Fails());
        folder.Write("test_batch.bin", Records(1, 3)[..^1]);
        Assert.Contains("test_batch.bin, byte 0: expected records of 3073 bytes, at least one, found 3072 bytes behind 0 records", Fails());
        folder.Write("test_batch.bin", []);
        Assert.Contains("test_batch.bin, byte 0", Fails());
        File.Delete(folder["test_batch.bin"]);
        folder.Write("test_batch.bin.gz", Gzip(Records(1, 3))[..100]);
        Assert.Contains("test_batch.bin.gz", Fails());
        File.Delete(folder["test_batch.bin.gz"]);
        File.Delete(folder["data_batch_1.bin"]);
        folder.Write("cifar-10-binary.tar.gz", Gzip([1, 2, 3]));
        Assert.Contains("cifar-10-binary.tar.gz", Fails());
        Assert.Contains("There is no folder", Assert.Throws<DataFormatException>(() => CifarFolder.Load(folder["none"], "cifar10")).Message);
        Assert.Throws<ArgumentException>(() => CifarFolder.Load(folder.Path, "cifar1000"));

        string Fails() => Assert.Throws<DataFormatException>(() => CifarFolder.Load(folder.Path, "cifar10")).Message;
    }

    private static byte[] Records(int labelBytes, params byte[] labels)
    {
        var all = new byte[labels.Length * (labelBytes + Pixels)];
        new Random(labels[0]).NextBytes(all);
        for (int i = 0; i < labels.Length; i++)
            all[i * (labelBytes + Pixels) + labelBytes - 1] = labels[i];
        return all;
    }

    private static void Write(TempFolder folder, string layout, string subfolder, string archive, (string Name, byte[] Content)[] files)
    {
        if (layout == "archive")
        {
            using var tarred = new MemoryStream();
            using (var tar = new TarWriter(tarred, TarEntryFormat.Ustar, leaveOpen: true))
            {
                foreach ((string name, byte[] content) in files)
                    tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"{subfolder}/{name}") { DataStream = new MemoryStream(content) });
            }

            folder.Write(archive, Gzip(tarred.ToArray()));
            return;
        }

        string prefix = layout == "subfolder" ? subfolder + "/" : "";
        Directory.CreateDirectory(folder[prefix]);
        foreach ((string name, byte[] content) in files)
            folder.Write($"{prefix}{name}{(layout == "gz" ? ".gz" : "")}", layout == "gz" ? Gzip(content) : content);
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(content);
        return packed.ToArray();
    }
}
