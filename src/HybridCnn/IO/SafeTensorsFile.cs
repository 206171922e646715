using System.Buffers.Binary;
using System.Runtime.InteropServices;
using HybridCnn.Tensors;

namespace HybridCnn.IO;

/// <summary>
/// An open safetensors file: the header is read and proved on opening, the elements when they are asked for.
/// The format: a 64-bit length, that many bytes of JSON, then the elements, little-endian.
/// </summary>
public sealed class SafeTensorsFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly Dictionary<string, SafeTensorEntry> _byName;

    private SafeTensorsFile(FileStream stream, List<SafeTensorEntry> entries, Dictionary<string, string> metadata)
    {
        _stream = stream;
        Entries = entries;
        Metadata = metadata;
        _byName = entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path.</summary>
    public string Path => _stream.Name;

    /// <summary>The tensors, in the header's order.</summary>
    public IReadOnlyList<SafeTensorEntry> Entries { get; }

    /// <summary>The strings that the writer put beside the tensors.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and proves its header against its length.</summary>
    /// <exception cref="DataFormatException">Missing, unreadable, or not a safetensors file; the message names the byte, what belongs there and what is there.</exception>
    public static SafeTensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        FileStream stream;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't open {path}: {e.Message}", e);
        }

        try
        {
            long length = stream.Length;
            const int prefix = SafeTensorHeader.LengthBytes;
            if (length < prefix)
                throw new DataFormatException(path, 0, "a safetensors file: 8 bytes with the header's length", $"{length} bytes in all");
            Span<byte> count = stackalloc byte[prefix];
            stream.ReadExactly(count);
            ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(count);
            ulong most = (ulong)Math.Min(length - prefix, SafeTensorHeader.MaxBytes);
            if (headerBytes < 2 || headerBytes > most)
                throw new DataFormatException(path, 0, $"a safetensors file: a header length of 2 to {most}", headerBytes.ToString());
            var header = new byte[headerBytes];
            stream.ReadExactly(header);
            (List<SafeTensorEntry> entries, Dictionary<string, string> metadata) = SafeTensorHeader.Parse(path, header, length - prefix - header.Length);
            return new SafeTensorsFile(stream, entries, metadata);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The header's line about one tensor.</summary>
    /// <exception cref="DataFormatException">There is no such tensor; the message lists those that are there.</exception>
    public SafeTensorEntry Entry(string name) => _byName.TryGetValue(name, out SafeTensorEntry? entry)
        ? entry
        : throw new DataFormatException($"{Path} has no tensor \"{name}\". It has: {string.Join(", ", Entries.Select(e => e.Name))}.");

    /// <summary>Whether the file has a tensor of that name.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>Reads an F32 tensor of one to four extents into a new tensor.</summary>
    /// <exception cref="DataFormatException">No such tensor, of another type, or of a shape that no <see cref="Tensor"/> has.</exception>
    public Tensor ReadTensor(string name)
    {
        SafeTensorEntry entry = Entry(name);
        Shape shape;
        try
        {
            shape = new Shape([.. entry.Extents]);
        }
        catch (ArgumentException e)
        {
            throw new DataFormatException($"{Path}: {entry} can't be read as a tensor. {e.Message}", e);
        }

        RequireType(entry, "F32");
        var tensor = new Tensor(shape);
        ReadElements(entry, tensor.Span);
        return tensor;
    }

    /// <summary>Reads an F32 tensor's elements over <paramref name="values"/>.</summary>
    /// <exception cref="DataFormatException">No such tensor, or of another type.</exception>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public void ReadFloats(string name, Span<float> values)
    {
        SafeTensorEntry entry = Entry(name);
        RequireType(entry, "F32");
        if (entry.ByteCount != values.Length * (long)sizeof(float))
            throw new ArgumentException($"{entry} has {entry.ByteCount / sizeof(float)} elements; got room for {values.Length}.", nameof(values));
        ReadElements(entry, values);
    }

    /// <summary>Reads the elements of a tensor of any shape: float for F32, double for F64, long for I64, int for I32, byte for U8.</summary>
    /// <exception cref="DataFormatException">No such tensor, of another type, or of more elements than one array holds.</exception>
    public T[] ReadArray<T>(string name)
        where T : unmanaged
    {
        SafeTensorEntry entry = Entry(name);
        RequireType(entry, default(T) switch
        {
            float => "F32",
            double => "F64",
            long => "I64",
            int => "I32",
            byte => "U8",
            _ => throw new NotSupportedException($"ReadArray reads float, double, long, int and byte, not {typeof(T).Name}."),
        });
        long count = entry.ByteCount / SafeTensorEntry.SizeOf(entry.ElementType);
        if (count > Array.MaxLength)
            throw new DataFormatException($"{Path}: {entry} has more elements than one array can hold.");
        var values = new T[count];
        ReadElements<T>(entry, values);
        return values;
    }

    /// <summary>Reads all of the file, and compares it with the checksum in its metadata.</summary>
    /// <param name="required">Whether there must be one; files of other tools have none.</param>
    /// <exception cref="DataFormatException">A bit has changed since the file was written, or there is no checksum.</exception>
    internal void RequireIntact(bool required = false)
    {
        if (Metadata.TryGetValue(SafeTensorChecksum.Key, out string? expected) && expected.Length == SafeTensorChecksum.Blank.Length)
            SafeTensorChecksum.Check(_stream, Path, expected);
        else if (required)
            throw new DataFormatException($"{Path} is damaged: it has no SHA-256 of {SafeTensorChecksum.Blank.Length} digits in its metadata.");
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _stream.Dispose();

    private void RequireType(SafeTensorEntry entry, string type)
    {
        if (entry.ElementType != type)
            throw new DataFormatException($"{Path}: {entry} was to be read as {type}.");
    }

    private void ReadElements<T>(SafeTensorEntry entry, Span<T> values)
        where T : unmanaged
    {
        _stream.Position = entry.Offset;
        // In pieces: the bytes of a large tensor don't fit the length of one span.
        for (int done = 0; done < values.Length;)
        {
            Span<T> piece = values.Slice(done, Math.Min(SafeTensors.PieceElements, values.Length - done));
            try
            {
                _stream.ReadExactly(MemoryMarshal.AsBytes(piece));
            }
            catch (IOException e)
            {
                throw new DataFormatException(Path, _stream.Position, $"the elements of {entry}", $"\"{e.Message}\"", e);
            }

            done += piece.Length;
        }
    }
}
