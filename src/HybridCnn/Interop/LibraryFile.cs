using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace HybridCnn.Interop;

/// <summary>
/// What the first bytes of a file say about it: the system's loader is silent about the processor that a library was built for, or calls it missing.
/// Formats after the System V ABI (ELF), on systems that use it; elsewhere the loader's own words have to do.
/// </summary>
internal static class LibraryFile
{
    private const int HeaderBytes = 20, TextBytes = 512;

    /// <summary>Why a file cannot be a library of this process; null if the first bytes are those of one, or cannot be read.</summary>
    public static string? Refusal(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsFreeBSD())
            return null;
        Span<byte> head = stackalloc byte[TextBytes];
        try
        {
            using FileStream file = File.OpenRead(path);
            head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return Refusal(head, RuntimeInformation.ProcessArchitecture);
    }

    internal static string? Refusal(ReadOnlySpan<byte> head, Architecture process)
    {
        if (head.StartsWith("\u007fELF"u8) && head.Length >= HeaderBytes)
        {
            int bits = head[4] == 2 ? 64 : 32;
            int machine = head[5] == 2 ? BinaryPrimitives.ReadUInt16BigEndian(head[18..]) : BinaryPrimitives.ReadUInt16LittleEndian(head[18..]);
            (string name, Architecture? processor) = Machine(machine);
            return processor == process ? null : $"it is built for {name}, {bits} bits, and this process is {Name(process)}";
        }

        return head.IsEmpty ? "the file is empty"
            : head.StartsWith("MZ"u8) ? "it is a library of Windows"
            : head.StartsWith((ReadOnlySpan<byte>)[0xCF, 0xFA, 0xED, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xCA, 0xFE, 0xBA, 0xBE]) ? "it is a library of macOS"
            : IsText(head) && Encoding.ASCII.GetString(head) is var text && (text.Contains("GROUP", StringComparison.Ordinal) || text.Contains("INPUT", StringComparison.Ordinal))
                ? "it is a script for the linker; name the library that it points to"
            : "it is no library";
    }

    private static bool IsText(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExceptInRange((byte)'\t', (byte)'~');

    // The numbers of the ELF header's e_machine.
    private static (string Name, Architecture? Processor) Machine(int machine) => machine switch
    {
        3 => (Name(Architecture.X86), Architecture.X86),
        21 => (Name(Architecture.Ppc64le), Architecture.Ppc64le),
        22 => (Name(Architecture.S390x), Architecture.S390x),
        40 => (Name(Architecture.Arm), Architecture.Arm),
        62 => (Name(Architecture.X64), Architecture.X64),
        183 => (Name(Architecture.Arm64), Architecture.Arm64),
        243 => (Name(Architecture.RiscV64), Architecture.RiscV64),
        258 => (Name(Architecture.LoongArch64), Architecture.LoongArch64),
        _ => ($"processor {machine}", null),
    };

    private static string Name(Architecture processor) => processor.ToString().ToLowerInvariant();
}
