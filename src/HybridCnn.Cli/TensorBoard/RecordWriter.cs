using System.Buffers.Binary;
using System.Numerics;

namespace HybridCnn.Cli.TensorBoard;

/// <summary>
/// Frames records as TensorFlow's TFRecord files do (tensorflow/core/lib/io/record_writer.h), little-endian:
/// <code>
/// uint64 length | uint32 masked CRC-32C of these 8 bytes | length bytes | uint32 masked CRC-32C of those bytes
/// </code>
/// </summary>
internal static class RecordWriter
{
    /// <summary>Writes one record by a single call of <see cref="Stream.Write(ReadOnlySpan{byte})"/>.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> data)
    {
        byte[] record = new byte[8 + 4 + data.Length + 4];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedChecksum(data));
        stream.Write(record);
    }

    // Masked, because the checksum of bytes that hold their own checksum says little.
    private static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint checksum = uint.MaxValue;
        foreach (byte b in data)
            checksum = BitOperations.Crc32C(checksum, b);
        return BitOperations.RotateRight(~checksum, 15) + 0xA282EAD8;
    }
}
