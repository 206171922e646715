using System.IO.Compression;

namespace HybridCnn.IO;

/// <summary>Reads a whole file into memory, unpacked if it is packed with gzip: the content says which.</summary>
internal static class PackedFile
{
    /// <exception cref="DataFormatException">Missing, unreadable, damaged, or larger than one array.</exception>
    public static byte[] ReadAll(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            using Stream content = Open(file);
            return ReadAll(path, content, content is FileStream ? file.Length : 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFormatException($"Can't read {path}: {e.Message}", e);
        }
    }

    /// <summary>The unpacked content of an open file, from its start.</summary>
    public static Stream Open(FileStream file)
    {
        file.Position = 0;
        bool packed = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return packed ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : file;
    }

    /// <param name="path">For messages.</param>
    /// <param name="content">What to read to its end.</param>
    /// <param name="length">Its length if known, else 0.</param>
    /// <exception cref="DataFormatException">Damaged, or larger than one array.</exception>
    public static byte[] ReadAll(string path, Stream content, long length)
    {
        if (length > Array.MaxLength)
            throw new DataFormatException(path, 0, $"at most {Array.MaxLength} bytes", $"{length}");
        using var all = new MemoryStream((int)length);
        try
        {
            content.CopyTo(all);
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException(path, all.Length, "whole gzip data", $"damage: \"{e.Message}\"", e);
        }
        catch (IOException e) when (all.Length > Array.MaxLength - (1 << 20))
        {
            throw new DataFormatException(path, all.Length, $"at most {Array.MaxLength} bytes", "more", e);
        }

        return all.Length == all.Capacity ? all.GetBuffer() : all.ToArray();
    }
}
