namespace HybridCnn.Interop;

/// <summary>
/// Which matrix product serves: OpenBLAS, another CBLAS that is named, or the portable one that ships with the library. Decided once, at first
/// use, from <see cref="Configure"/>, else from the environment: <see cref="LibraryVariable"/> and <see cref="CoreVariable"/>.
/// </summary>
public static class Blas
{
    /// <summary>
    /// "openblas", "portable", or the path of an OpenBLAS or of any other CBLAS with 32-bit integers (BLIS, MKL, the reference BLAS).
    /// Unset: OpenBLAS, or the portable one with a warning.
    /// </summary>
    public const string LibraryVariable = "HYBRIDCNN_BLAS";

    /// <summary>The kernels OpenBLAS shall use: "auto" = what it thinks best, whatever its own variables say; or a core's name.</summary>
    public const string CoreVariable = "HYBRIDCNN_BLAS_CORETYPE";

    private static readonly Lock s_lock = new();
    private static volatile LoadedBlas? s_loaded;
    private static string? s_library;
    private static string? s_core;

    /// <summary>What serves. Loads it if nothing has used it yet.</summary>
    /// <exception cref="InvalidOperationException">A setting makes no sense.</exception>
    /// <exception cref="DllNotFoundException">What a setting asks for cannot be loaded; lists every path that was looked at.</exception>
    public static BlasInfo Current => Load().Info;

    /// <summary>Whether the choice has been made.</summary>
    public static bool IsLoaded => s_loaded is not null;

    /// <summary>Whether a loaded library multiplies, rather than the portable SGEMM.</summary>
    internal static bool IsLibrary => (s_loaded ?? Load()).Handle != 0;

    /// <summary>The library that cblas_sgemm is called in.</summary>
    internal static nint Handle => Load().Handle;

    /// <summary>Chooses before first use, with precedence over the environment.</summary>
    /// <param name="library">As <see cref="LibraryVariable"/>; null leaves it to the environment.</param>
    /// <param name="core">As <see cref="CoreVariable"/>; null leaves it to the environment.</param>
    /// <exception cref="InvalidOperationException">Something has used it already: OpenBLAS reads its settings once.</exception>
    public static void Configure(string? library = null, string? core = null)
    {
        lock (s_lock)
        {
            if (s_loaded is { } loaded)
                throw new InvalidOperationException($"The BLAS is already in use ({loaded.Info}); configure it before the first operation.");
            s_library = library ?? s_library;
            s_core = core ?? s_core;
        }
    }

    private static LoadedBlas Load()
    {
        if (s_loaded is { } loaded)
            return loaded;
        lock (s_lock)
        {
            return s_loaded ??= BlasLoader.Load(
                s_library ?? Environment.GetEnvironmentVariable(LibraryVariable),
                s_core ?? Environment.GetEnvironmentVariable(CoreVariable));
        }
    }
}

/// <summary>A BLAS in use; the handle is 0 for the portable one.</summary>
internal sealed record LoadedBlas(BlasInfo Info, nint Handle);
