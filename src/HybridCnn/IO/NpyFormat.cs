using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace HybridCnn.IO;

/// <summary>
/// NumPy's array format (NEP 1): "\x93NUMPY", two bytes of version, the header's length, the header as a Python dictionary of descr,
/// fortran_order and shape, then the elements. Little-endian numbers in row-major order are read; strings, objects and complex numbers aren't.
/// </summary>
internal static partial class NpyFormat
{
    private const int MagicBytes = 8, MaxHeaderBytes = 1 << 20, Alignment = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads an array to the end of the stream.</summary>
    /// <param name="file">For messages; offsets are from the array's start.</param>
    /// <param name="stream">At the array's start.</param>
    /// <param name="length">Bytes of the stream.</param>
    /// <exception cref="DataFormatException">Not as the format has it, or elements that aren't read.</exception>
    public static NpyArray Read(string file, Stream stream, long length)
    {
        Span<byte> start = stackalloc byte[MagicBytes + sizeof(uint)];
        int got = stream.ReadAtLeast(start[..MagicBytes], MagicBytes, throwOnEndOfStream: false);
        if (got < MagicBytes || !start[..Magic.Length].SequenceEqual(Magic))
            throw new DataFormatException(file, 0, "a NumPy array, which starts with \\x93NUMPY", got < MagicBytes ? $"{got} bytes in all" : Convert.ToHexString(start[..Magic.Length]));
        int version = start[6], lengthBytes = version == 1 ? sizeof(ushort) : sizeof(uint);
        if (version is < 1 or > 3)
            throw new DataFormatException(file, 6, "version 1, 2 or 3", $"{version}");
        Span<byte> field = start.Slice(MagicBytes, lengthBytes);
        ReadExactly(file, stream, field, MagicBytes);
        uint headerBytes = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(field) : BinaryPrimitives.ReadUInt32LittleEndian(field);
        int dataStart = MagicBytes + lengthBytes;
        if (headerBytes > MaxHeaderBytes)
            throw new DataFormatException(file, MagicBytes, $"a header of at most {MaxHeaderBytes} bytes", $"{headerBytes}");
        var header = new byte[headerBytes];
        ReadExactly(file, stream, header, dataStart);
        (string type, int[] extents) = ParseHeader(file, Encoding.UTF8.GetString(header), dataStart);
        dataStart += header.Length;

        Int128 count = 1;
        foreach (int extent in extents)
            count *= extent;
        if (count > Array.MaxLength)
            throw new DataFormatException(file, MagicBytes, $"at most {Array.MaxLength} elements", $"{count}");
        int size = type[2] - '0';
        if (count * size != length - dataStart)
            throw new DataFormatException(file, dataStart, $"{count * size} bytes, [{string.Join(", ", extents)}] of {type}", $"{length - dataStart}");
        int elements = (int)count;
        return new NpyArray(
            type[1..] switch
            {
                "u1" => Elements<byte>(file, stream, elements, dataStart),
                "i2" => Elements<short>(file, stream, elements, dataStart),
                "i4" => Elements<int>(file, stream, elements, dataStart),
                "i8" => Elements<long>(file, stream, elements, dataStart),
                "f4" => Elements<float>(file, stream, elements, dataStart),
                _ => Elements<double>(file, stream, elements, dataStart),
            },
            extents);
    }

    /// <summary>Writes an array as version 1, its elements at a multiple of 64 bytes.</summary>
    /// <exception cref="ArgumentException">Elements of a type that isn't written, or another number of them than the extents say.</exception>
    public static void Write(Stream stream, NpyArray array)
    {
        Check(array);
        string shape = string.Concat(array.Extents.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e}, ")));
        string text = $"{{'descr': '{TypeOf(array.Values)}', 'fortran_order': False, 'shape': ({(array.Extents.Count == 1 ? shape.TrimEnd() : shape.TrimEnd(' ', ','))}), }}";
        int before = MagicBytes + sizeof(ushort);
        // Spaces and a line feed up to the elements.
        text = text.PadRight((before + text.Length + 1 + Alignment - 1) / Alignment * Alignment - before - 1) + "\n";
        Span<byte> start = stackalloc byte[before];
        Magic.CopyTo(start);
        start[6] = 1;
        start[7] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(start[MagicBytes..], checked((ushort)text.Length));
        stream.Write(start);
        stream.Write(Encoding.ASCII.GetBytes(text));
        switch (array.Values)
        {
            case byte[] values: stream.Write(values); break;
            case short[] values: WriteElements<short>(stream, values); break;
            case int[] values: WriteElements<int>(stream, values); break;
            case long[] values: WriteElements<long>(stream, values); break;
            case float[] values: WriteElements<float>(stream, values); break;
            case double[] values: WriteElements<double>(stream, values); break;
        }
    }

    /// <exception cref="ArgumentException">Elements of a type that isn't written, or another number of them than the extents say.</exception>
    internal static void Check(NpyArray array)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (NameOf(array.Values) == "")
            throw new ArgumentException($"Files hold arrays of byte, short, int, long, float and double; got {array.Values.GetType().Name}.", nameof(array));
        Int128 count = 1;
        foreach (int extent in array.Extents)
            count *= extent;
        if (count != array.Values.Length || array.Extents.Any(e => e < 0))
            throw new ArgumentException($"{array.Values.Length} elements don't fill [{string.Join(", ", array.Extents)}].", nameof(array));
    }

    // By the type itself: to a pattern, an array of sbyte is one of byte too.
    internal static string NameOf(Array values) => Type.GetTypeCode(values.GetType().GetElementType()) switch
    {
        TypeCode.Byte => "byte",
        TypeCode.Int16 => "short",
        TypeCode.Int32 => "int",
        TypeCode.Int64 => "long",
        TypeCode.Single => "float",
        TypeCode.Double => "double",
        _ => "",
    };

    private static string TypeOf(Array values) => values switch
    {
        byte[] => "|u1",
        short[] => "<i2",
        int[] => "<i4",
        long[] => "<i8",
        float[] => "<f4",
        _ => "<f8",
    };

    private static (string Type, int[] Extents) ParseHeader(string file, string header, int offset)
    {
        string type = Part(DescrPart(), "descr"), order = Part(OrderPart(), "fortran_order"), shape = Part(ShapePart(), "shape");
        if (type is not ("|u1" or "<i2" or "<i4" or "<i8" or "<f4" or "<f8"))
        {
            string bool1 = type == "|b1" ? "; booleans: save them with .astype('uint8')" : "";
            throw new DataFormatException(file, offset, "elements |u1, <i2, <i4, <i8, <f4 or <f8", $"{type}{bool1}");
        }

        if (order == "True")
            throw new DataFormatException(file, offset, "an array in row-major order", "fortran_order: save np.ascontiguousarray(array)");
        string[] parts = shape.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var extents = new int[parts.Length];
        for (int axis = 0; axis < parts.Length; axis++)
        {
            if (!int.TryParse(parts[axis], NumberStyles.None, CultureInfo.InvariantCulture, out extents[axis]))
                throw new DataFormatException(file, offset, $"extents of 0 to {int.MaxValue}", $"({shape})");
        }

        return (type, extents);

        string Part(Regex pattern, string name) => pattern.Match(header) is { Success: true } match
            ? match.Groups["value"].Value
            : throw new DataFormatException(file, offset, $"a dictionary with {name}", $"\"{header.Trim()}\"");
    }

    private static T[] Elements<T>(string file, Stream stream, int count, long offset)
        where T : unmanaged
    {
        var values = new T[count];
        // In pieces: the bytes of a large array don't fit the length of one span.
        for (int done = 0; done < count;)
        {
            Span<T> piece = values.AsSpan(done, Math.Min(SafeTensors.PieceElements, count - done));
            ReadExactly(file, stream, MemoryMarshal.AsBytes(piece), offset);
            done += piece.Length;
            offset += MemoryMarshal.AsBytes(piece).Length;
        }

        return values;
    }

    private static void WriteElements<T>(Stream stream, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        for (; !values.IsEmpty; values = values[Math.Min(SafeTensors.PieceElements, values.Length)..])
            stream.Write(MemoryMarshal.AsBytes(values[..Math.Min(SafeTensors.PieceElements, values.Length)]));
    }

    private static void ReadExactly(string file, Stream stream, Span<byte> bytes, long offset)
    {
        int got;
        try
        {
            got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException(file, offset, "whole packed data", $"damage: \"{e.Message}\"", e);
        }

        if (got < bytes.Length)
            throw new DataFormatException(file, offset + got, $"{bytes.Length - got} bytes more", "the end of the file");
    }

    [GeneratedRegex(@"'descr'\s*:\s*'(?<value>[^']*)'")]
    private static partial Regex DescrPart();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(?<value>True|False)")]
    private static partial Regex OrderPart();

    [GeneratedRegex(@"'shape'\s*:\s*\((?<value>[^)]*)\)")]
    private static partial Regex ShapePart();
}
