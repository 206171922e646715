using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace HybridCnn.Interop;

/// <summary>The functions of native/include/hybridcnn_native.h, and the one of OpenBLAS. Callers prove every length first.</summary>
internal static unsafe partial class NativeMethods
{
    public const string Helper = "hybridcnn_native";
    public const string OpenBlas = "openblas";
    public const int AbiVersion = 1;
    public const int RowMajor = 101;

    // Before the first call of any function here, so that NativeLibraries says where the libraries are.
    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, NativeLibraries.Resolve);

    [LibraryImport(OpenBlas, EntryPoint = "cblas_sgemm")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void CblasSgemm(int order, int transposeA, int transposeB, int m, int n, int k, float alpha,
        float* a, int lda, float* b, int ldb, float beta, float* c, int ldc);

    [LibraryImport(Helper, EntryPoint = "hcn_sgemm")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial NativeStatus Sgemm(int transposeA, int transposeB, int m, int n, int k, float alpha,
        float* a, int lda, float* b, int ldb, float beta, float* c, int ldc);

    [LibraryImport(Helper, EntryPoint = "hcn_abi_version")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int GetAbiVersion();

    [LibraryImport(Helper, EntryPoint = "hcn_environment_set")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial NativeStatus EnvironmentSet(byte* name, byte* value);

    [LibraryImport(Helper, EntryPoint = "hcn_openblas_open")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial NativeStatus OpenBlasOpen(byte* path, NativeOpenBlasInfo* info, byte* message, int messageCapacity);

    [LibraryImport(Helper, EntryPoint = "hcn_fpmode_get")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial ulong FloatingPointModeGet();

    [LibraryImport(Helper, EntryPoint = "hcn_fpmode_set")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void FloatingPointModeSet(ulong mode);

    [LibraryImport(Helper, EntryPoint = "hcn_fpmode_flush")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial ulong FloatingPointModeFlush();

    [LibraryImport(Helper, EntryPoint = "hcn_guard_allocate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void* GuardAllocate(ulong bytes, int side);

    [LibraryImport(Helper, EntryPoint = "hcn_guard_free")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void GuardFree(void* memory, ulong bytes);
}

/// <summary>hcn_status.</summary>
internal enum NativeStatus
{
    Ok = 0,
    Argument = 1,
    Memory = 2,
    Load = 3,
    Symbol = 4,
    Ilp64 = 5,
    Unsafe = 6,
}

/// <summary>hcn_openblas_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeOpenBlasInfo
{
    public void* Handle;
    public byte* Config;
    public byte* CoreName;
    public int IntegerBits;
    public int Parallel;
    public int MaxThreads;
    public int Reserved;
}
