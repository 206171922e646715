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
