using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using HybridCnn.IO;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.IO;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_with_the_same_bits()
    {
        var random = new SeededRandom(7);
        for (int round = 0; round < 30; round++)
        {
            var tensors = new List<(string Name, Tensor Tensor)>();
            for (int i = random.NextInt(6); i >= 0; i--)
            {
                var extents = new int[1 + random.NextInt(4)];
                for (int axis = 0; axis < extents.Length; axis++)
                    extents[axis] = 1 + random.NextInt(9);
                var tensor = new Tensor(new Shape(extents));
                // Any bits: NaNs with payload, infinities and denormals too.
                foreach (ref uint bits in MemoryMarshal.Cast<float, uint>(tensor.Span))
                    bits = (uint)random.NextBits();
                tensors.Add(($"layer {i}.\"wëight\"", tensor));
            }

            // The long one is written in segments, whose ends fall within characters and within what is escaped.
            var metadata = new Dictionary<string, string> { ["b"] = "ü \"\n", ["a"] = "", ["c"] = new string('x', round) + string.Concat(Enumerable.Repeat("ü\"\\\n𝄞", 2000)) };
            SafeTensors.Write(_folder["w"], tensors, metadata);
            IReadOnlyDictionary<string, Tensor> read = SafeTensors.Read(_folder["w"]);
            Assert.Equal(tensors.Select(t => t.Name), read.Keys);
            foreach ((string name, Tensor tensor) in tensors)
            {
                Assert.Equal(tensor.Shape, read[name].Shape);
                Assert.True(MemoryMarshal.AsBytes(tensor.Span).SequenceEqual(MemoryMarshal.AsBytes(read[name].Span)));
            }

            using SafeTensorsFile file = SafeTensorsFile.Open(_folder["w"]);
            Assert.Equal(metadata.OrderBy(m => m.Key), file.Metadata.OrderBy(m => m.Key));
            Assert.All(file.Entries, e => Assert.Equal(0, file.Entries[0].Offset % 8));
        }
    }

    [Fact]
    public void A_tensor_larger_than_one_piece_is_read_with_the_same_bits()
    {
        var tensor = new Tensor(new Shape(SafeTensors.PieceElements * 2 + 3));
        for (int i = 0; i < tensor.Span.Length; i++)
            tensor.Span[i] = i;
        SafeTensors.Write(_folder["w"], [("large", tensor)]);
        Assert.True(tensor.Span.SequenceEqual(SafeTensors.Read(_folder["w"])["large"].Span));
    }

    [Fact]
    public void The_bytes_are_the_formats_own()
    {
        SafeTensors.Write(_folder["w"], [("a", Tensor.From(new Shape(2), [1f, -2f]))], new Dictionary<string, string> { ["k"] = "v" });
        const string header = """{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";
        Assert.Equal(FileOf(header.PadRight((header.Length + 7) / 8 * 8), [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]), File.ReadAllBytes(_folder["w"]));
    }

    [Fact]
    public void Other_types_and_a_single_number_are_read_as_arrays()
    {
        string path = _folder.Write("w", FileOf(
            """{"d":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"i":{"dtype":"I64","shape":[1,1,1,1,1],"data_offsets":[8,16]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[16,16]}} """,
            [.. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(-3L)]));
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        Assert.Equal([1.5], file.ReadArray<double>("d"));
        Assert.Equal([-3L], file.ReadArray<long>("i"));
        Assert.Empty(file.ReadArray<float>("e"));
        Assert.Equal($"{path}: d F64 [] was to be read as F32.", Assert.Throws<DataFormatException>(() => file.ReadArray<float>("d")).Message);
        Assert.StartsWith($"{path}: i I64 [1, 1, 1, 1, 1] can't be read as a tensor.", Assert.Throws<DataFormatException>(() => file.ReadTensor("i")).Message);
        Assert.Equal($"{path} has no tensor \"x\". It has: d, i, e.", Assert.Throws<DataFormatException>(() => file.ReadTensor("x")).Message);
        Assert.Throws<ArgumentException>(() => file.ReadFloats("e", new float[1]));
        Assert.Throws<NotSupportedException>(() => file.ReadArray<char>("d"));
    }

    [Theory]
    [InlineData("", "a JSON header")]
    [InlineData("[]", "an object, found a list")]
    [InlineData("{ ", "a JSON header")]
    [InlineData("{} x", "a JSON header")]
    [InlineData("""{"a":1}""", """an object for tensor "a", found 1""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", """dtype, shape and data_offsets of "a", found no data_offsets""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}}""", "each once, found \"more\"")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "each once, found \"dtype\"")]
    [InlineData("""{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}""", """a known dtype for "a", found "F33".""")]
    [InlineData("""{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""", """a string as dtype of "a", found 7""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", """whole numbers as shape of "a", found 2.5""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", """extents of 0 to 2147483647 for "a", found -2""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", """12 bytes for "a", F32 [3], found data_offsets [0, 8], 8 bytes""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}""", """a tensor "a" that fits the file""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "within the 8 bytes behind the header, found [0, 16]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "as [begin, end] within the 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "as [begin, end] within the 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", "found that it overlaps the tensor before it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "found that it leaves a gap before it")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "the end of the file, found 4 bytes that belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", """each name once, found "a" a second time""")]
    [InlineData("""{"__metadata__":{"k":1}}""", """a string as metadata "k", found 1""")]
    [InlineData("""{"__metadata__":{"k":"","k":""}}""", """each metadata key once, found "k" a second time""")]
    public void A_wrong_header_is_refused(string header, string message)
    {
        string path = _folder.Write("w", FileOf(header, new byte[8]));
        DataFormatException e = Assert.Throws<DataFormatException>(() => SafeTensorsFile.Open(path));
        Assert.StartsWith($"{path}, byte ", e.Message);
        // An empty header is caught by its length.
        Assert.Contains(header.Length < 2 ? "a header length of 2 to 8, found 0" : message, e.Message);
    }

    [Fact]
    public void Broken_text_in_the_header_is_refused()
    {
        byte[] bytes = FileOf("""{"a?":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);
        bytes[Array.IndexOf(bytes, (byte)'?')] = 0xFF;
        Assert.Contains("a JSON header", Assert.Throws<DataFormatException>(() => SafeTensorsFile.Open(_folder.Write("w", bytes))).Message);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        SafeTensors.Write(_folder["w"], [("a", new Tensor(new Shape(2, 2))), ("b", new Tensor(new Shape(1)))]);
        byte[] whole = File.ReadAllBytes(_folder["w"]);
        for (int length = 0; length < whole.Length; length++)
        {
            string path = _folder.Write("cut", whole[..length]);
            Assert.Equal(path, Assert.Throws<DataFormatException>(() => SafeTensorsFile.Open(path)).File);
        }

        Assert.Throws<DataFormatException>(() => SafeTensorsFile.Open(_folder.Write("longer", [.. whole, 0])));
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1ul << 40)]
    [InlineData(9ul)]
    public void A_header_length_beyond_the_file_is_refused_before_memory_is_taken(ulong length)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        string path = _folder.Write("w", bytes);
        Assert.Equal(
            $"{path}, byte 0: expected a safetensors file: a header length of 2 to 8, found {length}.",
            Assert.Throws<DataFormatException>(() => SafeTensorsFile.Open(path)).Message);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.StartsWith($"Can't open {_folder["none"]}: ", Assert.Throws<DataFormatException>(() => SafeTensors.Read(_folder["none"])).Message);

    [Fact]
    public void Names_that_no_reader_could_tell_apart_are_refused_before_writing()
    {
        var one = new Tensor(new Shape(1));
        Assert.StartsWith(
            "A tensor needs a name of its own; got \"a\" twice.",
            Assert.Throws<ArgumentException>(() => SafeTensors.Write(_folder["w"], [("a", one), ("a", one)])).Message);
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(_folder["w"], [("__metadata__", one)]));
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(_folder["w"], [("", one)]));
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(_folder["w"], [("a", new Tensor(new Shape(1, 2, 3, 4).In(Layout.Nhwc)))]));
        Assert.Throws<ArgumentNullException>(() => SafeTensors.Write(_folder["w"], null!));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [SharedDataFact("torch-ref")]
    public void Files_that_pytorchs_tools_wrote_are_read_whole()
    {
        string[] files = Directory.GetFiles(SharedData.Part("torch-ref")!, "*.safetensors", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (string path in files)
        {
            using SafeTensorsFile file = SafeTensorsFile.Open(path);
            Assert.True(file.Metadata.ContainsKey("op"), path);
            foreach (SafeTensorEntry entry in file.Entries)
            {
                long count = entry.Extents.Aggregate(1L, (product, extent) => product * extent);
                Array elements = entry.ElementType switch
                {
                    "F32" => file.ReadArray<float>(entry.Name),
                    "F64" => file.ReadArray<double>(entry.Name),
                    "I64" => file.ReadArray<long>(entry.Name),
                    _ => file.ReadArray<byte>(entry.Name),
                };
                Assert.Equal(count, elements.Length);
                // The file holds each result twice, in double and rounded to float: a second opinion on where elements lie.
                if (entry.ElementType == "F64" && file.Contains(entry.Name + ".f32"))
                    Assert.Equal(((double[])elements).Select(d => (float)d), file.ReadArray<float>(entry.Name + ".f32"));
            }
        }
    }

    private static byte[] FileOf(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data];
    }
}
