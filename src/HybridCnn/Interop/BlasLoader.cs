using System.Runtime.InteropServices;
using System.Text;

namespace HybridCnn.Interop;

/// <summary>Turns the settings into a BLAS: sets OpenBLAS's environment, looks through the places where it may be, opens it, tries it.</summary>
internal static class BlasLoader
{
    private const string HowToGetOne =
        "Add the package HybridCnn.Runtime for this system, build the library again with a network (it gets OpenBLAS by itself), install OpenBLAS (Debian: libopenblas0-pthread), " +
        $"or name one: {Blas.LibraryVariable}=<path>.";

    private const string WhatAPathTakes =
        $"{Blas.LibraryVariable}=<path> takes OpenBLAS or any other CBLAS with 32-bit integers: BLIS, MKL, the reference BLAS. " +
        "Unset it, and the library looks for an OpenBLAS by itself.";

    /// <param name="library">null or empty: OpenBLAS if there is one. "openblas", "portable" or a path: that or an error.</param>
    /// <param name="core">null or empty: as OpenBLAS's own variables say. "auto" clears them; a name sets the core.</param>
    /// <param name="candidates">Where to look when no path is given; null: where it is shipped, then where the system has it.</param>
    /// <param name="notes">Takes the warnings; null: standard error.</param>
    public static LoadedBlas Load(string? library, string? core, IEnumerable<string>? candidates = null, TextWriter? notes = null)
    {
        notes ??= Console.Error;
        int abi = NativeMethods.GetAbiVersion();
        if (abi != NativeMethods.AbiVersion)
            throw new DllNotFoundException($"{NativeLibraries.HelperTrace[^1]}, but it is version {abi} of the native part; this library needs {NativeMethods.AbiVersion}. Build both again.");
        bool byPath = library is not (null or "" or "openblas" or "portable");
        if (byPath && !LooksLikePath(library!))
            throw new InvalidOperationException($"{Blas.LibraryVariable}={library}: expected openblas, portable or the path of an OpenBLAS or another CBLAS library.");
        if (library == "portable")
            return Portable(["portable: asked for"]);

        BlasPins pins = BlasPins.Apply(core);
        List<string> trace = [];
        foreach (string candidate in byPath ? [Path.GetFullPath(library!)] : candidates ?? Candidates())
        {
            // A library that was named may be any CBLAS.
            LoadedBlas? opened = byPath ? CblasLibrary.HeldToOneThread(() => TryOpen(candidate, pins, trace, anyCblas: true)) : TryOpen(candidate, pins, trace, anyCblas: false);
            if (opened is not { } loaded)
                continue;
            if (core is not (null or "" or "auto") && !loaded.Info.IsOpenBlas)
                throw new InvalidOperationException($"{Blas.CoreVariable}={core}: {loaded.Info} serves, and only OpenBLAS's kernels can be chosen. Leave it out.");
            if (core is not (null or "" or "auto") && !loaded.Info.Core.Equals(core, StringComparison.OrdinalIgnoreCase))
                throw new InvalidOperationException($"{Blas.CoreVariable}={core}: OpenBLAS has no such kernels for this processor and would use {loaded.Info.Core}. Say auto.");
            if (loaded.Info.PinCost is { } cost)
                notes.WriteLine($"hybridcnn: note: {cost}");
            return loaded;
        }

        string looked = string.Join(Environment.NewLine, trace.Select(line => "  " + line));
        if (!string.IsNullOrEmpty(library))
            throw new DllNotFoundException($"{Blas.LibraryVariable}={library}: {(byPath ? "it" : "OpenBLAS")} cannot serve. Looked at:{Environment.NewLine}{looked}{Environment.NewLine}{(byPath ? WhatAPathTakes : HowToGetOne)}");
        notes.WriteLine($"hybridcnn: warning: no OpenBLAS; the portable SGEMM serves, which is slower. `hybridcnn doctor` says where it was looked for. {HowToGetOne}");
        return Portable(trace);
    }

    private static bool LooksLikePath(string value) =>
        value.AsSpan().IndexOfAny('/', '\\') >= 0
        || value.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)
        || value.EndsWith(".dylib", StringComparison.Ordinal)
        || value.Contains(".so", StringComparison.Ordinal);

    private static LoadedBlas Portable(IReadOnlyList<string> trace) =>
        new(new("portable", "", "", "", "", "sequential", 0, [], null, trace), 0);

    // First what was shipped, then what the system has.
    private static IEnumerable<string> Candidates()
    {
        string[] names = OperatingSystem.IsWindows() ? ["libopenblas.dll", "openblas.dll"]
            : OperatingSystem.IsMacOS() ? ["libopenblas.dylib", "libopenblas.0.dylib"]
            : ["libopenblas.so.0", "libopenblas.so"];
        foreach (string folder in NativeLibraries.Folders())
        {
            foreach (string name in names)
                yield return Path.Combine(folder, name);
        }

        foreach (string name in names)
            yield return name;
        if (OperatingSystem.IsMacOS())
        {
            yield return "/opt/homebrew/opt/openblas/lib/libopenblas.dylib";
            yield return "/usr/local/opt/openblas/lib/libopenblas.dylib";
        }
    }

    private static unsafe LoadedBlas? TryOpen(string path, BlasPins pins, List<string> trace, bool anyCblas)
    {
        // A bare name is for the system's loader to find.
        if (Path.IsPathRooted(path) && !File.Exists(path))
        {
            trace.Add($"{path}: {(Directory.Exists(path) ? "a folder, not a library" : "not there")}");
            return null;
        }

        if (Path.IsPathRooted(path) && LibraryFile.Refusal(path) is { } noLibrary)
        {
            trace.Add($"{path}: refused, {noLibrary}");
            return null;
        }

        NativeOpenBlasInfo info;
        NativeStatus status;
        byte* message = stackalloc byte[512];
        fixed (byte* utf8 = Encoding.UTF8.GetBytes(path + "\0"))
            status = NativeMethods.OpenBlasOpen(utf8, &info, message, 512);
        bool isOpenBlas = status == NativeStatus.Ok;
        if (!isOpenBlas && !(anyCblas && status == NativeStatus.Symbol))
        {
            trace.Add($"{path}: refused, {Text(message)}");
            return null;
        }

        nint handle = isOpenBlas ? (nint)info.Handle : NativeLibrary.Load(path);
        string threading = CblasLibrary.HoldToOneThread(handle);
        if (CblasLibrary.Refusal(handle) is { } refusal)
        {
            trace.Add($"{path}: refused, {refusal}");
            return null;
        }

        trace.Add($"{path}: loaded");
        if (!isOpenBlas)
        {
            CblasLibrary.Description found = CblasLibrary.Describe(handle);
            return new(new("cblas", path, found.Version, found.Core, "", "unknown", 0, [], null, trace) { Name = found.Name, Threading = threading }, handle);
        }

        string config = Text(info.Config).Trim();
        string core = Text(info.CoreName);
        string version = config.Split(' ') is ["OpenBLAS", var number, ..] ? number : "";
        string parallel = info.Parallel switch { 0 => "sequential", 1 => "pthreads", _ => "openmp" };
        return new(
            new("openblas", path, version, core, config, parallel, info.MaxThreads, pins.InForce, pins.Cost(core), trace) { Name = "OpenBLAS", Threading = threading },
            handle);
    }

    private static unsafe string Text(byte* utf8) => Marshal.PtrToStringUTF8((nint)utf8) ?? "";
}
