using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace HybridCnn.C;

/// <summary>The functions of native/include/hybridcnn.h that need no object, and the one that ends them all.</summary>
internal static unsafe class LibraryCalls
{
    private const int Version = 1;

    private static readonly byte* s_version = (byte*)Marshal.StringToCoTaskMemUTF8(typeof(LibraryCalls).Assembly.GetName().Version!.ToString(3));

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_abi_version", CallConvs = [typeof(CallConvCdecl)])]
    public static int AbiVersion() => Version;

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_version", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* LibraryVersion() => s_version;

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_last_error", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* LastError() => Failure.Text is var text && text != null ? text : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference("\0"u8));

    [UnmanagedCallersOnly(EntryPoint = "hybridcnn_destroy", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Destroy(nint handle)
    {
        try
        {
            if (handle != 0)
                Handles.Remove(handle, nameof(handle));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }
}
