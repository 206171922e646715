using System.Runtime.InteropServices;
using System.Text;
using HybridCnn.Interop;

namespace HybridCnn.Tests.Interop;

public class LibraryFileTests
{
    [Theory]
    [InlineData(62, 2, null)]
    [InlineData(183, 2, "it is built for arm64, 64 bits, and this process is x64")]
    [InlineData(3, 1, "it is built for x86, 32 bits, and this process is x64")]
    [InlineData(8, 1, "it is built for processor 8, 32 bits, and this process is x64")]
    public void A_library_is_known_by_its_processor(byte machine, byte width, string? refusal)
    {
        byte[] head = [0x7F, (byte)'E', (byte)'L', (byte)'F', width, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, machine, 0];
        Assert.Equal(refusal, LibraryFile.Refusal(head, Architecture.X64));
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("This is no library.", "it is no library")]
    [InlineData("\u007fELF", "it is no library")]
    [InlineData("/* GNU ld script */\nINPUT(libopenblas.so.0)\n", "it is a script for the linker; name the library that it points to")]
    [InlineData("MZ\u0090\0", "it is a library of Windows")]
    [InlineData("\u00cf\u00fa\u00ed\u00fe", "it is a library of macOS")]
    public void What_is_no_library_is_called_what_it_is(string contents, string refusal) =>
        Assert.Equal(refusal, LibraryFile.Refusal(Encoding.Latin1.GetBytes(contents), Architecture.X64));
}
