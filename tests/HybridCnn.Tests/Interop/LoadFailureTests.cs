using HybridCnn.Interop;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Interop;

/// <summary>What a user reads when a library is missing or wrong.</summary>
public sealed class LoadFailureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hybridcnn-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string File(string name, string contents)
    {
        string path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, contents);
        return path;
    }

    // Everything the probe needs but the native files.
    private void CopyManagedFiles()
    {
        foreach (string name in new[] { "HybridCnn.dll", "HybridCnn.Tests.dll", "HybridCnn.Tests.runtimeconfig.json" })
            System.IO.File.Copy(Path.Combine(AppContext.BaseDirectory, name), Path.Combine(_folder, name));
    }

    [Fact]
    public void Without_openblas_the_portable_one_serves_with_one_warning_line()
    {
        string text = File("libopenblas.so.0", "This is no library."), missing = Path.Combine(_folder, "missing.so");
        var notes = new StringWriter();
        LoadedBlas loaded = BlasLoader.Load(null, null, [missing, text], notes);
        Assert.Equal(("portable", (nint)0), (loaded.Info.Kind, loaded.Handle));
        Assert.Equal($"{missing}: not there", loaded.Info.Trace[0]);
        Assert.StartsWith($"{text}: refused, ", loaded.Info.Trace[1], StringComparison.Ordinal);
        string line = Assert.Single(notes.ToString().Split(notes.NewLine, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("warning: no OpenBLAS", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Openblas_asked_for_by_name_is_an_error_that_lists_every_path()
    {
        string text = File("libopenblas.so.0", "This is no library."), missing = Path.Combine(_folder, "missing.so");
        var notes = new StringWriter();
        var e = Assert.Throws<DllNotFoundException>(() => BlasLoader.Load("openblas", null, [missing, text], notes));
        Assert.Contains($"{missing}: not there", e.Message, StringComparison.Ordinal);
        Assert.Contains($"{text}: refused, ", e.Message, StringComparison.Ordinal);
        Assert.Contains("HYBRIDCNN_BLAS=<path>", e.Message, StringComparison.Ordinal);
        Assert.Equal("", notes.ToString());
    }

    [Fact]
    public void A_library_that_is_no_openblas_is_refused()
    {
        string helper = NativeLibraries.Folders().SelectMany(folder => Directory.Exists(folder) ? Directory.GetFiles(folder, "*hybridcnn_native.*") : []).First();
        LoadedBlas loaded = BlasLoader.Load(null, null, [helper], TextWriter.Null);
        Assert.Equal($"{helper}: refused, it lacks cblas_sgemm or the openblas_* functions: not an OpenBLAS with CBLAS", Assert.Single(loaded.Info.Trace));
    }

    [Fact]
    public void A_missing_helper_lists_every_path_and_says_what_to_do()
    {
        CopyManagedFiles();
        Probe.Outcome found = Probe.Run(["blas"], _folder);
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("DllNotFoundException: The native part of HybridCnn", found.Error, StringComparison.Ordinal);
        Assert.Contains($"{Path.Combine(_folder, "runtimes", NativeLibraries.RuntimeIdentifier, "native")}{Path.DirectorySeparatorChar}", found.Error, StringComparison.Ordinal);
        Assert.Contains("not there", found.Error, StringComparison.Ordinal);
        Assert.Contains("dotnet build", found.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_helper_is_named_with_the_loaders_words()
    {
        CopyManagedFiles();
        string name = OperatingSystem.IsWindows() ? "hybridcnn_native.dll" : OperatingSystem.IsMacOS() ? "libhybridcnn_native.dylib" : "libhybridcnn_native.so";
        string path = File(name, "This is no library.");
        Probe.Outcome found = Probe.Run(["blas"], _folder);
        Assert.Equal(1, found.ExitCode);
        Assert.Matches($"{System.Text.RegularExpressions.Regex.Escape(path)}: (?!not there).+", found.Error);
    }

    [LinuxFact]
    public void A_library_for_another_processor_is_named_by_it()
    {
        string path = ForAnotherProcessor("libopenblas.so.0");
        var e = Assert.Throws<DllNotFoundException>(() => BlasLoader.Load(path, null, notes: TextWriter.Null));
        Assert.Contains($"{path}: refused, it is built for riscv64, 64 bits, and this process is ", e.Message, StringComparison.Ordinal);
        Assert.Contains("Unset it, and the library looks for an OpenBLAS by itself", e.Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void A_helper_for_another_processor_is_named_by_it()
    {
        CopyManagedFiles();
        string path = ForAnotherProcessor("libhybridcnn_native.so");
        Probe.Outcome found = Probe.Run(["blas"], _folder);
        Assert.Equal(1, found.ExitCode);
        Assert.Contains($"{path}: it is built for riscv64, 64 bits, and this process is ", found.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_library()
    {
        var e = Assert.Throws<DllNotFoundException>(() => BlasLoader.Load(_folder, null, notes: TextWriter.Null));
        Assert.Contains($"{_folder}: a folder, not a library", e.Message, StringComparison.Ordinal);
    }

    // Where nothing can be written, root can't either.
    [LinuxFact]
    public void Nothing_needs_a_folder_for_temporary_files_or_a_home()
    {
        Probe.Outcome found = Probe.Run(["blas"], null, ("TMPDIR", "/proc/none"), ("HOME", "/proc/none"), ("XDG_CACHE_HOME", "/proc/none"), (Blas.LibraryVariable, "portable"));
        Assert.Equal((0, "31", ""), (found.ExitCode, found["product"], found.Error));
    }

    // The helper, which depends on little, with another number in its header.
    private string ForAnotherProcessor(string name)
    {
        byte[] library = System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "runtimes", NativeLibraries.RuntimeIdentifier, "native", "libhybridcnn_native.so"));
        (library[18], library[19]) = (243, 0);
        string path = Path.Combine(_folder, name);
        System.IO.File.WriteAllBytes(path, library);
        return path;
    }

    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "Libraries of Linux, and its /proc.";
    }

    [Theory]
    [InlineData("Haswell", true, true)]
    [InlineData("SkylakeX", true, false)]
    [InlineData("Cooperlake", true, false)]
    [InlineData("Haswell", false, false)]
    public void A_pin_costs_where_it_leaves_wide_registers_unused(string core, bool wideProcessor, bool costs)
    {
        string? text = BlasPins.Cost(core, [$"OPENBLAS_CORETYPE={core}"], wideProcessor);
        Assert.Equal(costs, text is not null);
        Assert.Null(BlasPins.Cost(core, ["OPENBLAS_L2_SIZE=512"], wideProcessor));
        if (costs)
            Assert.Contains("pinned to Haswell (OPENBLAS_CORETYPE=Haswell)", text, StringComparison.Ordinal);
    }
}
