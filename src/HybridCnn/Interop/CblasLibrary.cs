using System.Runtime.InteropServices;

namespace HybridCnn.Interop;

/// <summary>
/// A CBLAS that isn't OpenBLAS: BLIS, MKL, the reference BLAS. Ours are the threads that call it, so its own are held to one: by its function for
/// that, where one is known, and by the variables that such libraries read when they are loaded or first called.
/// </summary>
internal static unsafe class CblasLibrary
{
    private static readonly (string Name, string Value)[] s_oneThread =
        [("OMP_NUM_THREADS", "1"), ("BLIS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1"), ("MKL_THREADING_LAYER", "SEQUENTIAL")];

    /// <summary>What an accepted library says of itself. Texts are empty where it doesn't.</summary>
    /// <param name="Name">"BLIS", "MKL", or "CBLAS" for all others.</param>
    /// <param name="Version">Its own words.</param>
    /// <param name="Core">The kernels that it chose.</param>
    public sealed record Description(string Name, string Version, string Core);

    /// <summary>Runs something with the variables set that hold a library to one thread, and sets them back.</summary>
    public static T HeldToOneThread<T>(Func<T> run)
    {
        foreach ((string name, string value) in s_oneThread)
            BlasPins.Set(name, value);
        try
        {
            return run();
        }
        finally
        {
            foreach ((string name, _) in s_oneThread)
                BlasPins.Set(name, Environment.GetEnvironmentVariable(name));
        }
    }

    /// <summary>Why a loaded library cannot serve: functions that it lacks, wide integers, wrong products; null if it can.</summary>
    /// <param name="handle">The library.</param>
    public static string? Refusal(nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, "cblas_sgemm", out nint sgemm))
        {
            return NativeLibrary.TryGetExport(handle, "sgemm_", out _)
                ? "it has the BLAS of Fortran alone, and no cblas_sgemm: the interface of C (CBLAS) is needed"
                : "it has no cblas_sgemm: not a BLAS with the interface of C (CBLAS)";
        }

        // OpenBLAS says how wide its integers are, and may be built without this function.
        if (NativeLibrary.TryGetExport(handle, "cblas_sdot", out nint sdot))
            return SgemmTrial.IntegerFault(sdot) ?? SgemmTrial.Fault(sgemm);
        return NativeLibrary.TryGetExport(handle, "openblas_get_config", out _)
            ? SgemmTrial.Fault(sgemm)
            : "it has no cblas_sdot, by which the width of its integers is told";
    }

    /// <summary>Holds a library to one thread. Call it before its first product.</summary>
    /// <returns>How.</returns>
    public static string HoldToOneThread(nint handle)
    {
        // BLIS takes its own integer, which is as wide as a pointer unless it was built otherwise; the others take an int.
        if (NativeLibrary.TryGetExport(handle, "bli_thread_set_num_threads", out nint blis))
        {
            ((delegate* unmanaged[Cdecl]<nint, void>)blis)(1);
            return "bli_thread_set_num_threads(1)";
        }

        foreach (string name in new[] { "MKL_Set_Num_Threads", "openblas_set_num_threads" })
        {
            if (!NativeLibrary.TryGetExport(handle, name, out nint set))
                continue;
            ((delegate* unmanaged[Cdecl]<int, void>)set)(1);
            return $"{name}(1)";
        }

        return "OMP_NUM_THREADS=1 while it was loaded (no function for that is known)";
    }

    /// <summary>Asks a library that has multiplied before what it is.</summary>
    public static Description Describe(nint handle)
    {
        if (NativeLibrary.TryGetExport(handle, "bli_info_get_version_str", out nint blisVersion))
        {
            string core = NativeLibrary.TryGetExport(handle, "bli_arch_query_id", out nint query) && NativeLibrary.TryGetExport(handle, "bli_arch_string", out nint name)
                ? Text(((delegate* unmanaged[Cdecl]<int, nint>)name)(((delegate* unmanaged[Cdecl]<int>)query)()))
                : "";
            return new("BLIS", Text(((delegate* unmanaged[Cdecl]<nint>)blisVersion)()), core);
        }

        if (NativeLibrary.TryGetExport(handle, "MKL_Get_Version_String", out nint mklVersion))
        {
            byte* text = stackalloc byte[256];
            text[0] = 0;
            ((delegate* unmanaged[Cdecl]<byte*, int, void>)mklVersion)(text, 255);
            return new("MKL", Text((nint)text), "");
        }

        return new("CBLAS", "", "");
    }

    private static string Text(nint utf8) => Marshal.PtrToStringUTF8(utf8)?.Trim() ?? "";
}
