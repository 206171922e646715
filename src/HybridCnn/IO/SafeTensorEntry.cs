namespace HybridCnn.IO;

/// <summary>What a safetensors header says about one tensor.</summary>
/// <param name="Name">The name, unique in the file.</param>
/// <param name="ElementType">"F32", "F64", "I64", …, as the format spells it.</param>
/// <param name="Extents">The shape; empty for a single number, an extent may be 0.</param>
/// <param name="Offset">Where the elements start, in bytes from the start of the file.</param>
/// <param name="ByteCount">How many bytes they take.</param>
public sealed record SafeTensorEntry(string Name, string ElementType, IReadOnlyList<int> Extents, long Offset, long ByteCount)
{
    /// <summary>"0.weight F32 [20, 1, 5, 5]".</summary>
    public override string ToString() => $"{Name} {ElementType} [{string.Join(", ", Extents)}]";

    /// <summary>Bytes per element of a type, or 0 if the format has no such type.</summary>
    internal static int SizeOf(string elementType) => elementType switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
        _ => 0,
    };
}
