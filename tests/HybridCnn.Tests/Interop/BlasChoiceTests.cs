using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using HybridCnn.Interop;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Interop;

/// <summary>The choice of a BLAS, each in a process of its own.</summary>
public class BlasChoiceTests
{
    /// <summary>Runs where an OpenBLAS with kernels for several x64 processors was built or found.</summary>
    private sealed class OpenBlasFactAttribute : FactAttribute
    {
        public OpenBlasFactAttribute()
        {
            if (s_default.Value["kind"] != "openblas" || !s_default.Value["config"].Contains("DYNAMIC_ARCH", StringComparison.Ordinal)
                || RuntimeInformation.ProcessArchitecture != Architecture.X64 || !Vector256.IsHardwareAccelerated)
            {
                Skip = "No OpenBLAS with kernels for several x64 processors here.";
            }
        }
    }

    private static readonly Lazy<Probe.Outcome> s_default = new(() => Probe.Run(["blas"]));

    [OpenBlasFact]
    public void Without_settings_openblas_serves_and_says_nothing()
    {
        Probe.Outcome found = s_default.Value;
        Assert.Equal(("31", "0", "", ""), (found["product"], found["mismatches"], found["pins"], found.Error));
        Assert.Matches(@"^\d+\.\d+", found["version"]);
        Assert.NotEqual("", found["core"]);
        Assert.NotEqual("", found["path"]);
    }

    // NativeAOT frees the slower of two answers that it got at the same moment.
    [Fact]
    public void Whoever_frees_an_answer_of_the_resolver_unloads_nothing()
    {
        Probe.Outcome found = Probe.Run(["free-answers"]);
        Assert.Equal((0, "31", ""), (found.ExitCode, found["product"], found.Error));
    }

    [Fact]
    public void Portable_serves_where_it_is_asked_for_and_without_a_warning()
    {
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.LibraryVariable, "portable"));
        Assert.Equal(("portable", "31", "0", ""), (found["kind"], found["product"], found["mismatches"], found.Error));
    }

    [Fact]
    public void A_word_that_is_no_choice_is_an_error_and_no_fallback()
    {
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.LibraryVariable, "opneblas"));
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("HYBRIDCNN_BLAS=opneblas: expected openblas, portable or the path", found.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_without_a_library_is_an_error_that_names_the_path()
    {
        string missing = Path.Combine(AppContext.BaseDirectory, "no-such", "libopenblas.so.0");
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.LibraryVariable, missing));
        Assert.Equal(1, found.ExitCode);
        Assert.Contains($"{missing}: not there", found.Error, StringComparison.Ordinal);
        Assert.Contains("HYBRIDCNN_BLAS=<path>", found.Error, StringComparison.Ordinal);
    }

    [OpenBlasFact]
    public void A_path_is_taken_as_it_is()
    {
        if (Path.IsPathRooted(s_default.Value["path"]))
        {
            Probe.Outcome found = Probe.Run(["blas"], null, (Blas.LibraryVariable, s_default.Value["path"]));
            Assert.Equal((0, s_default.Value["path"]), (found.ExitCode, found["path"]));
        }
    }

    [OpenBlasFact]
    public void A_pin_is_respected_and_said_once_where_it_costs()
    {
        Probe.Outcome found = Probe.Run(["blas"], null, ("OPENBLAS_CORETYPE", "Haswell"), ("OPENBLAS_L2_SIZE", "512"));
        Assert.Equal(("Haswell", "OPENBLAS_CORETYPE=Haswell,OPENBLAS_L2_SIZE=512"), (found["core"], found["pins"]));
        string[] lines = found.Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Vector512.IsHardwareAccelerated ? 1 : 0, lines.Length);
        Assert.All(lines, line => Assert.Contains("--blas-core auto", line, StringComparison.Ordinal));
    }

    [OpenBlasFact]
    public void Auto_clears_the_pins_from_the_environment_and_from_code()
    {
        (string, string)[] pins = [("OPENBLAS_CORETYPE", "Prescott"), ("OPENBLAS_L2_SIZE", "512")];
        foreach (Probe.Outcome found in new[] { Probe.Run(["blas"], null, [.. pins, (Blas.CoreVariable, "auto")]), Probe.Run(["blas", "auto"], null, pins) })
            Assert.Equal((s_default.Value["core"], "", "", "0"), (found["core"], found["pins"], found.Error, found["mismatches"]));
    }

    [OpenBlasFact]
    public void A_core_is_chosen_by_name()
    {
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.CoreVariable, "Haswell"));
        Assert.Equal("Haswell", found["core"]);
        Assert.Contains(Blas.CoreVariable, found["pins"], StringComparison.Ordinal);
    }

    [OpenBlasFact]
    public void A_core_that_is_none_is_an_error_that_names_it()
    {
        Probe.Outcome found = Probe.Run(["blas"], null, (Blas.CoreVariable, "NoSuchCore"));
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("HYBRIDCNN_BLAS_CORETYPE=NoSuchCore", found.Error, StringComparison.Ordinal);
        Assert.Contains(s_default.Value["core"], found.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_openblas_that_ships_serves()
    {
        // On a machine without libgfortran this is where it shows when the one that ships is not found.
        string folder = Path.Combine(AppContext.BaseDirectory, "runtimes", NativeLibraries.RuntimeIdentifier, "native");
        if (Directory.GetFiles(folder).FirstOrDefault(file => Path.GetFileName(file).StartsWith("libopenblas.", StringComparison.Ordinal)) is { } shipped)
            Assert.Equal(shipped, s_default.Value["path"]);
        else
            Assert.DoesNotContain(folder, s_default.Value["path"], StringComparison.Ordinal);
    }

    [Fact]
    public void Configuring_after_first_use_is_an_error()
    {
        Probe.Outcome found = Probe.Run(["configure-too-late"]);
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("already in use", found.Error, StringComparison.Ordinal);
    }
}
