using System.IO.Compression;
using System.Text;
using HybridCnn.IO;

namespace HybridCnn.Tests.IO;

public class NpzTests
{
    // As NumPy writes np.arange(6, dtype='<f4').reshape(2, 3): 128 bytes of header.
    private static byte[] NumPysOwn() =>
    [
        0x93, .. "NUMPY"u8, 1, 0, 118, 0,
        .. Encoding.ASCII.GetBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".PadRight(117) + "\n"),
        .. new float[] { 0, 1, 2, 3, 4, 5 }.SelectMany(BitConverter.GetBytes),
    ];

    [Fact]
    public void Reads_and_writes_the_bytes_of_NumPy()
    {
        using var folder = new TempFolder();
        NpyArray array = Npz.ReadArray(folder.Write("a.npy", NumPysOwn()));
        Assert.Equal("float [2, 3]", array.ToString());
        Assert.Equal([0, 1, 2, 3, 4, 5], Assert.IsType<float[]>(array.Values));
        Npz.WriteArray(folder["b.npy"], array);
        byte[] written = File.ReadAllBytes(folder["b.npy"]);
        // NumPy leaves room for the first extent to grow; the elements are at a multiple of 64 in both.
        Assert.Equal(Encoding.ASCII.GetString(NumPysOwn())[10..].TrimEnd()[..58], Encoding.ASCII.GetString(written)[10..].TrimEnd()[..58]);
        Assert.Equal(0, (written.Length - 24) % 64);
        Assert.Equal(NumPysOwn()[^24..], written[^24..]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_type_and_shape_comes_back(bool compress)
    {
        using var folder = new TempFolder();
        (string Name, NpyArray Array)[] arrays =
        [
            ("bytes", new(new byte[] { 0, 255, 7 }, [3])),
            ("shorts", new(new short[] { -300, 300 }, [1, 2])),
            ("ints", new(new[] { int.MinValue, int.MaxValue }, [2])),
            ("longs", new(new[] { long.MinValue, 5 }, [1, 1, 2])),
            ("floats", new(new[] { float.NaN, -0f, 1e-40f }, [3])),
            ("sub/doubles", new(new[] { Math.PI }, [])),
            ("none", new(Array.Empty<float>(), [0, 4])),
        ];
        Npz.Write(folder["a.npz"], arrays, compress);
        byte[] first = File.ReadAllBytes(folder["a.npz"]);
        IReadOnlyDictionary<string, NpyArray> read = Npz.Read(folder["a.npz"]);
        Assert.Equal(arrays.Select(a => a.Name).Order(), read.Keys.Order());
        foreach ((string name, NpyArray array) in arrays)
        {
            Assert.Equal(array.Values, read[name].Values);
            Assert.Equal(array.Values.GetType(), read[name].Values.GetType());
            Assert.Equal(array.Extents, read[name].Extents);
        }

        Npz.Write(folder["a.npz"], arrays, compress);
        Assert.Equal(first, File.ReadAllBytes(folder["a.npz"]));
        Assert.Equal([folder["a.npz"]], Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", "fortran_order")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", ">f4")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", "|O")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }", "32 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3), }", "(2, -3)")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999), }", "elements")]
    [InlineData("{'descr': '<f4', 'shape': (2, 3), }", "fortran_order")]
    [InlineData("no dictionary", "descr")]
    public void A_header_that_is_not_read_is_named(string header, string named)
    {
        using var folder = new TempFolder();
        byte[] file = [.. NumPysOwn()[..10], .. Encoding.ASCII.GetBytes(header.PadRight(117) + "\n"), .. NumPysOwn()[128..]];
        string message = Assert.Throws<DataFormatException>(() => Npz.ReadArray(folder.Write("a.npy", file))).Message;
        Assert.Contains(named, message);
        Assert.Contains("a.npy", message);
    }

    [Fact]
    public void A_file_cut_or_changed_anywhere_is_an_error_or_another_array_and_nothing_else()
    {
        using var folder = new TempFolder();
        byte[] whole = NumPysOwn();
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<DataFormatException>(() => Npz.ReadArray(folder.Write("cut.npy", whole[..length])));
        Npz.Write(folder["a.npz"], [("a", new NpyArray(new[] { 1f, 2f }, [2]))], compress: true);
        byte[] zip = File.ReadAllBytes(folder["a.npz"]);
        for (int at = 0; at < zip.Length; at++)
        {
            byte[] damaged = [.. zip];
            damaged[at] ^= 0xFF;
            try
            {
                Npz.Read(folder.Write("damaged.npz", damaged));
            }
            catch (DataFormatException e)
            {
                Assert.Contains("damaged.npz", e.Message);
            }
        }
    }

    [Fact]
    public void Refuses_what_files_do_not_hold()
    {
        using var folder = new TempFolder();
        var good = new NpyArray(new[] { 1f }, [1]);
        Assert.Throws<ArgumentException>(() => Npz.WriteArray(folder["a.npy"], new(new[] { 1m }, [1])));
        Assert.Throws<ArgumentException>(() => Npz.WriteArray(folder["a.npy"], new(new sbyte[] { 1 }, [1])));
        Assert.Contains("1 elements don't fill [2]", Assert.Throws<ArgumentException>(() => Npz.WriteArray(folder["a.npy"], new(new[] { 1f }, [2]))).Message);
        Assert.Throws<ArgumentException>(() => Npz.Write(folder["a.npz"], [("a", good), ("a", good)]));
        Assert.Throws<ArgumentException>(() => Npz.Write(folder["a.npz"], [("", good)]));
        Assert.Throws<DataFormatException>(() => Npz.Read(folder["none.npz"]));
        Assert.Throws<DataFormatException>(() => Npz.ReadArray(folder["none.npy"]));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }
}
