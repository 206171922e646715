using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;

namespace HybridCnn.Interop;

/// <summary>
/// Finds the native files. The resolver is asked once per imported function, so what was found is remembered. Every path that was
/// looked at is remembered with what came of it, and every failure lists them.
/// </summary>
internal static class NativeLibraries
{
    private static readonly Lock s_lock = new();
    private static readonly List<string> s_helperTrace = [];
    private static string? s_helper;

    /// <summary>"linux-x64": the system and the processor, whatever a distribution's .NET calls itself.</summary>
    public static string RuntimeIdentifier { get; } = PortableRuntimeIdentifier();

    /// <summary>The folder to look in first, where the library is part of another shared library and the application's folder is its host's.</summary>
    public static string? Home { get; set; }

    /// <summary>Where the helper was looked for.</summary>
    public static IReadOnlyList<string> HelperTrace => s_helperTrace;

    /// <summary>
    /// The folders that hold native files: beside the library, first as a build lays them out and then flat, and those
    /// that the host names for packages.
    /// </summary>
    public static IEnumerable<string> Folders()
    {
        string packages = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return new[] { Home ?? AppContext.BaseDirectory, AppContext.BaseDirectory, AssemblyFolder() }
            .SelectMany(folder => new[] { Path.Combine(folder, "runtimes", RuntimeIdentifier, "native"), folder })
            .Concat(packages.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            .Select(Path.TrimEndingDirectorySeparator)
            .Distinct();
    }

    /// <summary>
    /// The runtime's question: which library is this name? Every answer is a reference of its own: of two threads that ask at the same
    /// moment, NativeAOT takes one answer and frees the other.
    /// </summary>
    public static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        NativeMethods.Helper => NativeLibrary.Load(Helper()),
        NativeMethods.OpenBlas => Blas.Handle == 0 ? 0 : NativeLibrary.Load(Blas.Current.Path),
        _ => 0,
    };

    // Its path. It stays loaded.
    private static string Helper()
    {
        lock (s_lock)
        {
            if (s_helper is not null)
                return s_helper;
            s_helperTrace.Clear();
            foreach (string folder in Folders())
            {
                string path = Path.Combine(folder, HelperFileName);
                if (!File.Exists(path))
                {
                    s_helperTrace.Add($"{path}: not there");
                    continue;
                }

                if (LibraryFile.Refusal(path) is { } refusal)
                {
                    s_helperTrace.Add($"{path}: {refusal}");
                    continue;
                }

                try
                {
                    NativeLibrary.Load(path);
                    s_helperTrace.Add($"{path}: loaded");
                    return s_helper = path;
                }
                catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
                {
                    s_helperTrace.Add($"{path}: {e.Message.ReplaceLineEndings(" ").Trim()}");
                }
            }

            throw new DllNotFoundException(
                $"""
                The native part of HybridCnn ({HelperFileName}) could not be loaded. Looked at:
                {string.Join(Environment.NewLine, s_helperTrace.Select(line => "  " + line))}
                From a package: add HybridCnn.Runtime.{RuntimeIdentifier}, of the same version as HybridCnn.
                From the sources: it is built with the library; run `dotnet build` without SkipNativeBuild, on the system it is meant for ({RuntimeIdentifier}).
                """);
        }
    }

    private static string HelperFileName =>
        OperatingSystem.IsWindows() ? NativeMethods.Helper + ".dll"
        : OperatingSystem.IsMacOS() ? $"lib{NativeMethods.Helper}.dylib"
        : $"lib{NativeMethods.Helper}.so";

    // Empty where the assembly is part of a single file; the base directory serves there.
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "An empty Location is expected.")]
    private static string AssemblyFolder()
    {
        string location = typeof(NativeLibraries).Assembly.Location;
        return location.Length > 0 ? Path.GetDirectoryName(location)! : AppContext.BaseDirectory;
    }

    private static string PortableRuntimeIdentifier()
    {
        string here = RuntimeInformation.RuntimeIdentifier;
        string system = OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : here.Contains("musl", StringComparison.Ordinal) || here.StartsWith("alpine", StringComparison.Ordinal) ? "linux-musl"
            : "linux";
        return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    }
}
