using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace HybridCnn.IO;

/// <summary>
/// The SHA-256 of a whole safetensors file, as 64 digits in its metadata; while it is computed, the digits are zeros. Other readers take it for
/// one string more.
/// </summary>
internal static class SafeTensorChecksum
{
    public const string Key = "sha256";

    private const int PieceBytes = 1 << 18;

    /// <summary>What stands in the file while it is hashed.</summary>
    public static ReadOnlyMemory<byte> Blank { get; } = Encoding.UTF8.GetBytes(new string('0', 2 * SHA256.HashSizeInBytes));

    /// <summary>The digits of what was hashed.</summary>
    public static byte[] Digits(IncrementalHash hash) => Encoding.UTF8.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset()));

    /// <summary>Reads the whole file again and compares it with its checksum.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="path">For the message.</param>
    /// <param name="expected">The checksum in its metadata.</param>
    /// <exception cref="DataFormatException">A bit has changed since the file was written.</exception>
    public static void Check(Stream stream, string path, string expected)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            stream.Position = 0;
            stream.ReadExactly(piece, 0, SafeTensorHeader.LengthBytes);
            hash.AppendData(piece, 0, SafeTensorHeader.LengthBytes);
            var header = new byte[BinaryPrimitives.ReadUInt64LittleEndian(piece)];
            stream.ReadExactly(header);
            int at = header.AsSpan().IndexOf(Encoding.UTF8.GetBytes($"\"{Key}\":\"{expected}\""));
            if (at >= 0)
                Blank.Span.CopyTo(header.AsSpan(at + Key.Length + 4));
            hash.AppendData(header);
            for (int read; (read = stream.Read(piece)) > 0;)
                hash.AppendData(piece, 0, read);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }

        string found = Encoding.UTF8.GetString(Digits(hash));
        if (found != expected)
            throw new DataFormatException($"{path} is damaged: its SHA-256 is {found}, and was {expected} when it was written.");
    }
}
