using System.IO.Compression;
using System.Security.Cryptography;

namespace HybridCnn.Cli.Downloads;

/// <summary>SHA-256 in lower-case hexadecimal digits.</summary>
internal static class ContentHash
{
    public static string OfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Of what a file packed with gzip holds; null where it can't be unpacked to its end.</summary>
    public static string? OfUnpacked(string path)
    {
        using FileStream file = File.OpenRead(path);
        using var unpacked = new GZipStream(file, CompressionMode.Decompress);
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(unpacked));
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
