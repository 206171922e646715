using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using HybridCnn.Tensors;

namespace HybridCnn.IO;

/// <summary>Named tensors in one file, in the safetensors format that PyTorch's tools read and write too.</summary>
public static class SafeTensors
{
    internal const int PieceElements = 1 << 20;

    /// <summary>Writes F32 tensors, atomically: after any failure the old file is unchanged. Equal arguments give equal bytes.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="tensors">In the order they are written. Names are unique and not "__metadata__".</param>
    /// <param name="metadata">Strings to go with them; may be null.</param>
    /// <exception cref="ArgumentException">A name is empty, reserved or used twice, or a tensor isn't in NCHW order.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        (string Name, Tensor Tensor)[] all = [.. tensors];
        ReadOnlyMemory<byte> header = Header(all, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[SafeTensorHeader.LengthBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header.Span);
            foreach ((_, Tensor tensor) in all)
            {
                // In pieces: the bytes of a large tensor don't fit the length of one span.
                for (ReadOnlySpan<float> rest = tensor.Span; !rest.IsEmpty; rest = rest[Math.Min(PieceElements, rest.Length)..])
                    stream.Write(MemoryMarshal.AsBytes(rest[..Math.Min(PieceElements, rest.Length)]));
            }
        });
    }

    /// <summary>Reads every tensor of a file; all must be F32 of one to four extents.</summary>
    /// <exception cref="DataFormatException">Missing, unreadable, or not such a file.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        return file.Entries.ToDictionary(e => e.Name, e => file.ReadTensor(e.Name), StringComparer.Ordinal);
    }

    private static ReadOnlyMemory<byte> Header((string Name, Tensor Tensor)[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
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
        return buffer.WrittenMemory;
    }
}
