using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace HybridCnn.Interop;

/// <summary>
/// The functions of native/include/hybridcnn_native.h, and the one of CBLAS; Generated has their declarations. Callers prove every length first.
/// </summary>
internal static partial class NativeMethods
{
    public const string Helper = "hybridcnn_native";
    public const string OpenBlas = "openblas";

    // Before the first call of any function here, so that NativeLibraries says where the libraries are.
    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, NativeLibraries.Resolve);
}
