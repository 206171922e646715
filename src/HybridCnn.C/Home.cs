using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HybridCnn.Interop;

[assembly: DisableRuntimeMarshalling]

namespace HybridCnn.C;

/// <summary>
/// Where this library lies: its native part and OpenBLAS lie beside it, while the folder that the runtime calls the application's is that of the
/// program which loaded it.
/// </summary>
internal static unsafe partial class Home
{
    /// <summary>Tells the search for native files. Before the first use of any.</summary>
    public static void Announce()
    {
        if (NativeLibraries.Home is null && !OperatingSystem.IsWindows() && Path() is { } path)
            NativeLibraries.Home = System.IO.Path.GetDirectoryName(path);
    }

    // A link, as in /usr/local/lib, stands for the file that it leads to.
    private static string? Path()
    {
        Info info;
        delegate* unmanaged[Cdecl]<int> own = &LibraryCalls.AbiVersion;
        if (FindAddress(own, &info) == 0 || Arguments.Text(info.FileName) is not { Length: > 0 } name)
            return null;
        string path = System.IO.Path.GetFullPath(name);
        return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
    }

    [LibraryImport("libc", EntryPoint = "dladdr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int FindAddress(void* address, Info* info);

    /// <summary>Dl_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Info
    {
        public byte* FileName;
        public void* Base;
        public byte* SymbolName;
        public void* SymbolAddress;
    }
}
