using System.Diagnostics;
using System.Runtime.InteropServices;
using HybridCnn.Interop;
using HybridCnn.Tests.Meta;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Interop;

/// <summary>HYBRIDCNN_BLAS=path: any CBLAS serves, and one that is wrong is refused with the reason.</summary>
public sealed class OtherBlasTests : IDisposable
{
    private static readonly string s_source = Path.Combine(Repository.Root, "tests", "HybridCnn.Tests", "Interop", "cblas.c");
    private static readonly string s_stub = Path.Combine(Repository.Root, "native", "tests", "stub.c");

    // Debian's libraries, as native/cmake/FetchCblas.cmake lays them out.
    private static readonly string s_libraries = Environment.GetEnvironmentVariable("HYBRIDCNN_TEST_CBLAS") is { Length: > 0 } folder
        ? folder
        : Path.Combine(Repository.Root, "artifacts", "native", "cblas");

    private readonly string _folder = Directory.CreateTempSubdirectory("hybridcnn-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Runs where a C compiler makes libraries to load.</summary>
    private sealed class CompilerFactAttribute : FactAttribute
    {
        public CompilerFactAttribute() => Skip = WithoutCompiler;
    }

    /// <inheritdoc cref="CompilerFactAttribute"/>
    private sealed class CompilerTheoryAttribute : TheoryAttribute
    {
        public CompilerTheoryAttribute() => Skip = WithoutCompiler;
    }

    /// <summary>Runs where Debian's libraries were fetched.</summary>
    private sealed class DebianTheoryAttribute : TheoryAttribute
    {
        public DebianTheoryAttribute()
        {
            if (!Directory.Exists(s_libraries))
                Skip = $"No {s_libraries}; cmake -P native/cmake/FetchCblas.cmake gets BLIS and the reference BLAS on Debian.";
        }
    }

    private static string? WithoutCompiler { get; } =
        OperatingSystem.IsLinux() && (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(path => File.Exists(Path.Combine(path, "cc")))
            ? null
            : "No C compiler cc here.";

    [CompilerFact]
    public void A_cblas_that_says_nothing_of_itself_serves()
    {
        string path = Compile(s_source);
        LoadedBlas loaded = BlasLoader.Load(path, null, notes: TextWriter.Null);
        Assert.Equal(("cblas", "CBLAS", path, $"CBLAS {path}"), (loaded.Info.Kind, loaded.Info.Name, loaded.Info.Path, loaded.Info.ToString()));
        Assert.False(loaded.Info.IsOpenBlas);
        Assert.NotEqual(0, loaded.Handle);
        Assert.StartsWith("OMP_NUM_THREADS=1 while it was loaded", loaded.Info.Threading, StringComparison.Ordinal);
        // Set for its first product, and for nobody after it.
        Assert.Equal(("1", Environment.GetEnvironmentVariable("OMP_NUM_THREADS")), (Text(loaded.Handle, "stub_omp_at_first_call"), Text(loaded.Handle, "stub_omp_now")));
    }

    [CompilerFact]
    public unsafe void Blis_is_held_to_one_thread_and_described()
    {
        LoadedBlas loaded = BlasLoader.Load(Compile(s_source, "BLIS"), null, notes: TextWriter.Null);
        Assert.Equal("BLIS 9.9.9, zen7 kernels", loaded.Info.ToString());
        Assert.Equal("bli_thread_set_num_threads(1)", loaded.Info.Threading);
        Assert.Equal(1, ((delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(loaded.Handle, "stub_threads"))());
    }

    [CompilerTheory]
    [InlineData("WIDE", "its integers are 64 bits wide (ILP64), and 32 bits are passed (LP64): use its LP64 build")]
    [InlineData("IGNORES_LD", "wrong results: C[")]
    [InlineData("READS_C", "wrong results: C[0, 0] is NaN instead of ")]
    [InlineData("WRITES_OUTSIDE", "wrong results: it wrote outside of C, 1 floats from its start, of M=1 N=1 K=1 NN, alpha=1, beta=0")]
    [InlineData("FORTRAN", "it has the BLAS of Fortran alone, and no cblas_sgemm")]
    [InlineData("NOTHING", "it has no cblas_sgemm")]
    [InlineData("NO_DOT", "it has no cblas_sdot")]
    public void A_cblas_with_a_fault_is_refused_with_it(string fault, string reason) => Refused(Compile(s_source, fault), reason);

    [CompilerTheory]
    [InlineData("STUB_ILP64", "it is built with 64-bit integers (OpenBLAS 0.3.21 USE64BITINT")]
    [InlineData("STUB_SUFFIX64", "its functions have the suffix 64_ and take 64-bit integers")]
    [InlineData("STUB_UNLOCKED", "it is built without locks")]
    // Its cblas_sgemm does nothing.
    [InlineData("STUB_OTHER", "wrong results: C[0, 0] is NaN instead of ")]
    public void An_openblas_with_a_fault_is_refused_with_it(string fault, string reason) => Refused(Compile(s_stub, fault), reason);

    [CompilerFact]
    public void Where_openblas_is_looked_for_no_other_library_serves()
    {
        var notes = new StringWriter();
        LoadedBlas loaded = BlasLoader.Load(null, null, [Compile(s_source), Compile(s_stub, "STUB_ILP64")], notes);
        Assert.Equal("portable", loaded.Info.Kind);
        Assert.Contains("not an OpenBLAS with CBLAS", loaded.Info.Trace[0], StringComparison.Ordinal);
        Assert.Contains("64-bit integers", loaded.Info.Trace[1], StringComparison.Ordinal);
        Assert.Contains("warning: no OpenBLAS", notes.ToString(), StringComparison.Ordinal);
    }

    [CompilerFact]
    public void Kernels_can_be_chosen_of_openblas_alone()
    {
        var e = Assert.Throws<InvalidOperationException>(() => BlasLoader.Load(Compile(s_source, "BLIS"), "Haswell", notes: TextWriter.Null));
        Assert.Contains("BLIS 9.9.9, zen7 kernels serves, and only OpenBLAS's kernels can be chosen", e.Message, StringComparison.Ordinal);
    }

    [DebianTheory]
    [InlineData("libblis.so.4", "BLIS ", "bli_thread_set_num_threads(1)")]
    [InlineData("libblas.so.3", "CBLAS ", "OMP_NUM_THREADS=1")]
    public void Debians_libraries_serve(string file, string name, string threading)
    {
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.LibraryVariable, Path.Combine(s_libraries, file)));
        Assert.Equal((0, ""), (found.ExitCode, found.Error));
        Assert.Equal(("cblas", "31", "0"), (found["kind"], found["product"], found["mismatches"]));
        Assert.StartsWith(name, found["name"], StringComparison.Ordinal);
        Assert.StartsWith(threading, found["threading"], StringComparison.Ordinal);
    }

    [DebianTheory]
    [InlineData("libblis64.so.4")]
    [InlineData("libblas64.so.3")]
    public void Debians_libraries_with_wide_integers_are_refused(string file)
    {
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.LibraryVariable, Path.Combine(s_libraries, file)));
        Assert.Equal(1, found.ExitCode);
        Assert.Contains($"{file}: refused, its integers are 64 bits wide (ILP64)", found.Error, StringComparison.Ordinal);
    }

    private static void Refused(string path, string reason)
    {
        var e = Assert.Throws<DllNotFoundException>(() => BlasLoader.Load(path, null, notes: TextWriter.Null));
        Assert.Contains($"{path}: refused, {reason}", e.Message, StringComparison.Ordinal);
        Assert.Contains("HYBRIDCNN_BLAS=<path> takes OpenBLAS or any other CBLAS with 32-bit integers", e.Message, StringComparison.Ordinal);
    }

    private static unsafe string? Text(nint library, string function) =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, function))());

    private string Compile(string source, string? define = null)
    {
        string path = Path.Combine(_folder, $"lib{Path.GetFileNameWithoutExtension(source)}{define}.so");
        List<string> arguments = ["-shared", "-fPIC", "-o", path, source];
        if (define is not null)
            arguments.Add($"-D{define}");
        using Process compiler = Process.Start(new ProcessStartInfo("cc", arguments) { RedirectStandardError = true })!;
        string errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, errors);
        return path;
    }
}
