using System.Buffers.Binary;
using System.IO.Compression;
using HybridCnn.IO;

namespace HybridCnn.Data;

/// <summary>
/// Reads the IDX files of MNIST (LeCun, Cortes, Burges): a magic number 00 00 08 and the number of extents, the extents as
/// big-endian 32-bit numbers, then one byte per element. Packed with gzip or not: the content says which.
/// </summary>
internal static class Idx
{
    private const int MagicBytes = 4;

    // No deflate stream packs tighter than 1032 to 1, so a small file can't ask for a large buffer.
    private const long MostPacked = 1032;

    /// <summary>Reads a file of bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rank">Number of extents that it must have: 3 for images, 1 for labels.</param>
    /// <returns>The elements, and the extents.</returns>
    /// <exception cref="DataFormatException">Anything that isn't as the format has it; offsets are in the unpacked bytes.</exception>
    public static (byte[] Elements, int[] Extents) Read(string path, int rank)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            bool packed = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
            file.Position = 0;
            if (!packed)
                return Read(path, file, rank, most: file.Length);
            using var unpacked = new GZipStream(file, CompressionMode.Decompress);
            (byte[] Elements, int[] Extents) read = Read(path, unpacked, rank, most: file.Length * MostPacked);
            CheckTrailer(path, file, MagicBytes * (1 + rank) + read.Elements.Length);
            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't read {path}: {e.Message}", e);
        }
    }

    private static (byte[] Elements, int[] Extents) Read(string path, Stream stream, int rank, long most)
    {
        int headerBytes = MagicBytes * (1 + rank);
        Span<byte> header = stackalloc byte[headerBytes];
        int got = ReadUpTo(path, stream, header, 0);
        uint magic = 0x0800u + (uint)rank;
        if (got >= MagicBytes && BinaryPrimitives.ReadUInt32BigEndian(header) is var found && found != magic)
            throw new DataFormatException(path, 0, $"magic number {magic:X8}{(rank == 1 ? " of labels" : " of images")}", $"{found:X8}");
        if (got < headerBytes)
            throw new DataFormatException(path, got, $"{headerBytes} bytes of header", got == 0 ? "an empty file" : $"the end of the file after {got}");
        var extents = new int[rank];
        Int128 count = 1;
        for (int axis = 0; axis < rank; axis++)
        {
            int offset = MagicBytes * (1 + axis);
            extents[axis] = BinaryPrimitives.ReadInt32BigEndian(header[offset..]);
            if (extents[axis] < 1)
                throw new DataFormatException(path, offset, $"extent {axis} of 1 or more", $"{(uint)extents[axis]}");
            count *= extents[axis];
        }

        string sizes = string.Join(" x ", extents);
        if (count > Array.MaxLength)
            throw new DataFormatException(path, MagicBytes, $"at most {Array.MaxLength} elements", $"{sizes} = {count}");
        if (count + headerBytes > most)
            throw new DataFormatException(path, MagicBytes, $"no more elements than the file has room for, {most - headerBytes}", $"{sizes} = {count}");
        var elements = new byte[(int)count];
        got = ReadUpTo(path, stream, elements, headerBytes);
        if (got < elements.Length)
            throw new DataFormatException(path, headerBytes + got, $"{sizes} = {count} elements", $"the end of the file after {got}");
        Span<byte> more = stackalloc byte[1];
        if (ReadUpTo(path, stream, more, headerBytes + count) > 0)
            throw new DataFormatException(path, headerBytes + (long)count, $"the end of the file after {sizes} elements", "more bytes");
        return (elements, extents);
    }

    // GZipStream checks the checksum where there is one, and says nothing of a file that was cut right before it.
    // The last four bytes are the unpacked length.
    private static void CheckTrailer(string path, FileStream file, long unpacked)
    {
        Span<byte> trailer = stackalloc byte[sizeof(uint)];
        file.Position = file.Length - trailer.Length;
        file.ReadExactly(trailer);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        if (length != (uint)unpacked)
            throw new DataFormatException(path, unpacked, $"gzip's own length behind the data to be {unpacked}", $"{length}: the file is cut or joined");
    }

    private static int ReadUpTo(string path, Stream stream, Span<byte> buffer, Int128 offset)
    {
        int got = 0;
        try
        {
            while (got < buffer.Length && stream.Read(buffer[got..]) is var n and > 0)
                got += n;
            return got;
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException(path, (long)offset + got, "whole gzip data", $"damage: \"{e.Message}\"", e);
        }
    }
}
