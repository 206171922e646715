using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using HybridCnn.Tensors;

namespace HybridCnn.IO;

/// <summary>Named tensors in one file, in the safetensors format that PyTorch's tools read and write too.</summary>
public static class SafeTensors
{
    internal const int PieceElements = 1 << 20;

    private const int SegmentBytes = 4096;

    // A quotation mark within a string takes two bytes instead of six: notes of a training are JSON themselves.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Kept: a training that saves itself every few seconds shall leave nothing behind for the garbage collector, whose large objects wait long.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_header;

    /// <summary>Writes F32 tensors, atomically: after any failure the old file is unchanged. Equal arguments give equal bytes.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="tensors">In the order they are written. Names are unique and not "__metadata__".</param>
    /// <param name="metadata">Strings to go with them; may be null.</param>
    /// <exception cref="ArgumentException">A name is empty, reserved or used twice, or a tensor isn't in NCHW order.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(path, tensors, Utf8(metadata), checksum: false);

    /// <summary>The same, with metadata in UTF-8 and, if asked for, the SHA-256 of the file: see <see cref="SafeTensorChecksum"/>.</summary>
    internal static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, Dictionary<string, ReadOnlyMemory<byte>> metadata, bool checksum)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        (string Name, Tensor Tensor)[] all = [.. tensors];
        if (checksum)
            metadata[SafeTensorChecksum.Key] = SafeTensorChecksum.Blank;
        (ReadOnlyMemory<byte> header, int checksumAt) = Header(all, metadata);
        AtomicFile.Write(path, stream =>
        {
            using IncrementalHash? hash = checksum ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
            Span<byte> length = stackalloc byte[SafeTensorHeader.LengthBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            Put(length);
            Put(header.Span);
            foreach ((_, Tensor tensor) in all)
            {
                // In pieces: the bytes of a large tensor don't fit the length of one span.
                for (ReadOnlySpan<float> rest = tensor.ReadOnlySpan; !rest.IsEmpty; rest = rest[Math.Min(PieceElements, rest.Length)..])
                    Put(MemoryMarshal.AsBytes(rest[..Math.Min(PieceElements, rest.Length)]));
            }

            if (hash is null)
                return;
            stream.Position = SafeTensorHeader.LengthBytes + checksumAt;
            stream.Write(SafeTensorChecksum.Digits(hash));

            void Put(ReadOnlySpan<byte> bytes)
            {
                stream.Write(bytes);
                hash?.AppendData(bytes);
            }
        });
    }

    /// <summary>Strings as the file holds them.</summary>
    internal static Dictionary<string, ReadOnlyMemory<byte>> Utf8(IReadOnlyDictionary<string, string>? metadata) =>
        (metadata ?? new Dictionary<string, string>()).ToDictionary(pair => pair.Key, pair => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(pair.Value), StringComparer.Ordinal);

    /// <summary>Reads every tensor of a file; all must be F32 of one to four extents.</summary>
    /// <exception cref="DataFormatException">Missing, unreadable, or not such a file.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        return file.Entries.ToDictionary(e => e.Name, e => file.ReadTensor(e.Name), StringComparer.Ordinal);
    }

    // The header, which is good until the thread's next one, and where in it the digits of the checksum begin.
    private static (ReadOnlyMemory<byte> Header, int ChecksumAt) Header((string Name, Tensor Tensor)[] tensors, Dictionary<string, ReadOnlyMemory<byte>> metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        ArrayBufferWriter<byte> buffer = t_header ??= new();
        buffer.ResetWrittenCount();
        int checksumAt = -1;
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, ReadOnlyMemory<byte> value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    json.WritePropertyName(key);
                    // The writer rents room for the worst case of what it escapes at a time, and the pool would keep that of a long value for ever.
                    ReadOnlySpan<byte> rest = value.Span;
                    for (; rest.Length > SegmentBytes; rest = rest[SegmentBytes..])
                        json.WriteStringValueSegment(rest[..SegmentBytes], isFinalSegment: false);
                    json.WriteStringValueSegment(rest, isFinalSegment: true);
                    if (key == SafeTensorChecksum.Key)
                        checksumAt = (int)(json.BytesCommitted + json.BytesPending) - value.Length - 1;
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach ((string name, Tensor tensor) in tensors)
            {
                if (string.IsNullOrEmpty(name) || name == "__metadata__" || !names.Add(name))
                    throw new ArgumentException($"A tensor needs a name of its own; got \"{name}\"{(names.Contains(name) ? " twice" : "")}.", nameof(tensors));
                ArgumentNullException.ThrowIfNull(tensor, nameof(tensors));
                if (tensor.Layout != Layout.Nchw)
                    throw new ArgumentException($"Files hold tensors in NCHW order; \"{name}\" is {tensor.Shape}.", nameof(tensors));
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                for (int axis = 0; axis < tensor.Shape.Rank; axis++)
                    json.WriteNumberValue(tensor.Shape[axis]);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Shape.Count * (long)sizeof(float));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces up to a multiple of 8, so that the elements are aligned for readers that map the file.
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(8)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return (buffer.WrittenMemory, checksumAt);
    }
}
