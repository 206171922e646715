using System.Buffers.Binary;
using System.IO.Compression;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Data;

public sealed class MnistFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData('-', false)]
    [InlineData('-', true)]
    [InlineData('.', false)]
    [InlineData('.', true)]
    public void Reads_the_four_files_under_each_of_their_names(char separator, bool packed)
    {
        WriteAll(separator, packed);
        (ImageDataset train, ImageDataset test) = MnistFolder.Load(_folder.Path, "mnist");
        Assert.Equal("mnist: 4 images 1x2x3, 10 classes", train.ToString());
        Assert.Equal("mnist: 2 images 1x2x3, 10 classes", test.ToString());
        Assert.Equal([6, 7, 8, 9, 10, 11], train.Image(1).ToArray());
        Assert.Equal([9, 0, 1, 2], Enumerable.Range(0, 4).Select(train.Label));
        Assert.Equal([106, 107, 108, 109, 110, 111], test.Image(1).ToArray());
        Assert.Equal(train.Mean[0], test.Mean[0]);
        Assert.Equal(11.5 / 255, train.Mean[0], 1e-6);
        Assert.Equal(Math.Sqrt((24 * 24 - 1) / 12.0) / 255, train.Deviation[0], 1e-6);
    }

    [Fact]
    public void Knows_the_names_of_the_clothes()
    {
        WriteAll('-', packed: false);
        (ImageDataset train, _) = MnistFolder.Load(_folder.Path, "fashion-mnist");
        Assert.Equal("Ankle boot", train.ClassNames[train.Label(0)]);
        Assert.StartsWith(
            "There is no data set \"cifar\"; there are: mnist, fashion-mnist.",
            Assert.Throws<ArgumentException>(() => MnistFolder.Load(_folder.Path, "cifar")).Message);
    }

    [Fact]
    public void A_missing_folder_or_file_is_named_with_what_was_looked_for()
    {
        Assert.StartsWith($"There is no folder {_folder["none"]}", Refusal(_folder["none"]).Message);
        WriteAll('-', packed: false);
        File.Delete(_folder["t10k-labels-idx1-ubyte"]);
        Assert.Equal(
            $"{_folder.Path} has none of t10k-labels-idx1-ubyte, t10k-labels-idx1-ubyte.gz, t10k-labels.idx1-ubyte, t10k-labels.idx1-ubyte.gz. "
            + "Put the four files of mnist there, packed or not, under their original names.",
            Refusal(_folder.Path).Message);
    }

    [Theory]
    [InlineData("train-images", new byte[0], 0, "16 bytes of header", "an empty file")]
    [InlineData("train-images", new byte[] { 0, 0, 8, 3, 0, 0 }, 6, "16 bytes of header", "the end of the file after 6")]
    [InlineData("train-images", new byte[] { 0, 0, 8, 1, 0, 0, 0, 1, 5 }, 0, "magic number 00000803 of images", "00000801")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 3, 0, 0, 0, 1, 5 }, 0, "magic number 00000801 of labels", "00000803")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 1, 0, 0, 0, 0 }, 4, "extent 0 of 1 or more", "0")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1 }, 4, "extent 0 of 1 or more", "4294967295")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3 }, 4, "no more elements than the file has room for, 3", "4 = 4")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4, 5 }, 12, "the end of the file after 4 elements", "more bytes")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3 }, 4, "4 labels, one per image of train-images-idx3-ubyte", "3")]
    [InlineData("train-labels", new byte[] { 0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 10, 3 }, 10, "a label of 0 to 9", "10")]
    [InlineData("t10k-images", new byte[] { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 5 }, 8, "images of 2 x 3, as for training", "1 x 1")]
    [InlineData("train-images", new byte[] { 0, 0, 8, 3, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 1 }, 4, "at most 2147483591 elements", "2147483647 x 2147483647 x 2147483647 = 9903520300447984150353281023")]
    public void A_wrong_file_is_refused_by_name_place_and_both_values(string part, byte[] content, long offset, string expected, string found)
    {
        WriteAll('-', packed: false);
        string file = Name(part, '-');
        _folder.Write(file, content);
        DataFormatException e = Refusal(_folder.Path);
        Assert.Equal($"{_folder[file]}, byte {offset}: expected {expected}, found {found}.", e.Message);
        Assert.Equal((_folder[file], offset, expected, found), (e.File, e.Offset, e.Expected, e.Found));
    }

    [Fact]
    public void A_packed_file_cut_or_changed_anywhere_is_refused()
    {
        WriteAll('-', packed: true);
        string file = Name("train-images", '-') + ".gz";
        byte[] whole = File.ReadAllBytes(_folder[file]);
        // From 2: shorter than gzip's own magic it is an unpacked file, which the table above has.
        for (int length = 2; length < whole.Length; length++)
        {
            _folder.Write(file, whole[..length]);
            string? refused = Record.Exception(() => MnistFolder.Load(_folder.Path, "mnist")) is DataFormatException e ? e.File : null;
            Assert.True(refused == _folder[file], $"cut to {length} of {whole.Length}");
        }

        // Behind the ten bytes of gzip's header (time, system) every bit counts: deflate data, checksum, length.
        for (int i = 10; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 0x10;
            _folder.Write(file, changed);
            string? refused = Record.Exception(() => MnistFolder.Load(_folder.Path, "mnist")) is DataFormatException e ? e.File : null;
            Assert.True(refused == _folder[file], $"byte {i} of {whole.Length} changed");
        }
    }

    [Fact]
    public void A_small_packed_file_cannot_ask_for_a_large_buffer()
    {
        WriteAll('-', packed: false);
        byte[] packed = Pack([0, 0, 8, 1, 0x7F, 0xFF, 0xFF, 0x00, 1, 2, 3]);
        File.WriteAllBytes(_folder["train-labels-idx1-ubyte"], packed);
        Assert.Equal($"no more elements than the file has room for, {packed.Length * 1032 - 8}", Refusal(_folder.Path).Expected);
    }

    [SharedDataFact("mnist")]
    public void The_original_mnist_reads_as_published() => AssertPublished("mnist", 0.1307, 0.3081, firstTrain: 5, firstTest: 7);

    [SharedDataFact("fashion-mnist")]
    public void The_original_fashion_mnist_reads_as_published() => AssertPublished("fashion-mnist", 0.2860, 0.3530, firstTrain: 9, firstTest: 9);

    private static void AssertPublished(string name, double mean, double deviation, int firstTrain, int firstTest)
    {
        (ImageDataset train, ImageDataset test) = MnistFolder.Load(SharedData.Part(name)!, name);
        Assert.Equal((60000, 10000), (train.Count, test.Count));
        Assert.Equal((firstTrain, firstTest), (train.Label(0), test.Label(0)));
        Assert.Equal(mean, train.Mean[0], 5e-5);
        Assert.Equal(deviation, train.Deviation[0], 5e-5);
    }

    private static DataFormatException Refusal(string directory) =>
        Assert.Throws<DataFormatException>(() => MnistFolder.Load(directory, "mnist"));

    private void WriteAll(char separator, bool packed)
    {
        Write("train-images", [0, 0, 8, 3, .. Int(4), .. Int(2), .. Int(3), .. Enumerable.Range(0, 24).Select(i => (byte)i)]);
        Write("train-labels", [0, 0, 8, 1, .. Int(4), 9, 0, 1, 2]);
        Write("t10k-images", [0, 0, 8, 3, .. Int(2), .. Int(2), .. Int(3), .. Enumerable.Range(100, 12).Select(i => (byte)i)]);
        Write("t10k-labels", [0, 0, 8, 1, .. Int(2), 3, 4]);

        void Write(string part, byte[] content) =>
            _folder.Write(Name(part, separator) + (packed ? ".gz" : ""), packed ? Pack(content) : content);
    }

    private static string Name(string part, char separator) => $"{part}{separator}idx{(part.EndsWith("images", StringComparison.Ordinal) ? 3 : 1)}-ubyte";

    private static byte[] Int(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Pack(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            gzip.Write(content);
        return packed.ToArray();
    }
}
