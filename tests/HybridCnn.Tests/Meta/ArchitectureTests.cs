using System.Text.RegularExpressions;
using HybridCnn.Tensors;

namespace HybridCnn.Tests.Meta;

/// <summary>
/// Checks what src/README.md promises. Calls that are banned everywhere (Console, Parallel, Random) are the compiler's to find:
/// src/HybridCnn/BannedSymbols.txt.
/// </summary>
public partial class ArchitectureTests
{
    private const int MaxFileBytes = 15 * 1024;

    // A file uses its own folder and those to its left.
    private static readonly string[] Order =
        ["Tensors", "Interop", "Kernels", "Compute", "Operators", "Layers", "Models", "IO", "Data", "Training"];

    // The boundary to native code, the operators that pin spans for as long as workers use them, and the kernels that gather
    // from many places into registers.
    private static readonly string[] MayBeUnsafe =
    [
        "Compute/PinnedSpan.cs",
        "Interop/BlasLoader.cs",
        "Interop/BlasPins.cs",
        "Interop/CblasLibrary.cs",
        "Interop/Generated/NativeMethods.g.cs",
        "Interop/Generated/NativeTypes.g.cs",
        "Interop/SgemmTrial.cs",
        "Kernels/BlockTranspose.cs",
        "Kernels/CacheLine.cs",
        "Kernels/Floats1.cs",
        "Kernels/Floats16.cs",
        "Kernels/Floats4.cs",
        "Kernels/Floats8.cs",
        "Kernels/Gemm.cs",
        "Kernels/IFloats.cs",
        "Kernels/LayoutTransform.cs",
        "Kernels/PatchGradient.cs",
        "Kernels/PatchProducts.cs",
        "Kernels/PatchRowSums.cs",
        "Kernels/PanelBlock.cs",
        "Kernels/PanelProducts.cs",
        "Kernels/Prefetch.cs",
        "Kernels/WinogradF2.cs",
        "Kernels/WinogradF4.cs",
        "Kernels/WinogradForm.cs",
        "Kernels/WinogradTiles.cs",
        "Kernels/WinogradTransforms.cs",
        "Kernels/WinogradWeights.cs",
        "Operators/BatchNormalization.cs",
        "Operators/ChannelBias.cs",
        "Operators/NchwMethod.cs",
        "Operators/NhwcMethod.cs",
        "Operators/PoolOperator.cs",
        "Operators/WinogradConvolution.cs",
    ];

    private static readonly (string Path, string Code)[] Files =
        [.. Repository.SourceFiles("src/HybridCnn").Select(path => (path, CodeOf(Path.Combine(Repository.Root, "src/HybridCnn", path))))];

    [Fact]
    public void A_file_uses_only_folders_to_its_left() => AssertNone(
        from file in Files
        let own = Array.IndexOf(Order, FolderOf(file.Path))
        from Match use in FolderUse().Matches(file.Code)
        let used = Array.IndexOf(Order, use.Groups["folder"].Value)
        where used > own && (use.Groups["full"].Success || IsType(use.Groups["folder"].Value, use.Groups["name"].Value))
        select $"{file.Path} uses {use.Value}, which lies to the right of {FolderOf(file.Path)}");

    [Fact]
    public void Every_file_is_in_a_folder_of_the_order_and_its_namespace_is_the_folder() => AssertNone(
        from file in Files
        // What is generated completes types of the folder above.
        let expected = $"namespace HybridCnn.{Path.GetDirectoryName(file.Path)!.Replace('\\', '/').Replace("/Generated", "", StringComparison.Ordinal).Replace('/', '.')};"
        where !Order.Contains(FolderOf(file.Path)) || !file.Code.Contains(expected, StringComparison.Ordinal)
        select $"{file.Path}: expected {expected} and a folder of {string.Join(" < ", Order)}");

    [Fact]
    public void Kernels_know_no_tensor_and_no_thread() => AssertNone(
        from file in Files
        where FolderOf(file.Path) == "Kernels"
        from Match match in TensorOrThread().Matches(file.Code)
        select $"{file.Path} uses {match.Value}");

    [Fact]
    public void Only_kernels_and_threads_call_native_functions() => AssertNone(
        from file in Files
        where FolderOf(file.Path) is not ("Kernels" or "Compute" or "Interop")
        where file.Code.Contains("NativeMethods.", StringComparison.Ordinal)
        select file.Path);

    [Fact]
    public void Unsafe_code_is_in_the_named_files_and_nowhere_else()
    {
        string[] found = [.. Files.Where(file => Unsafe().IsMatch(file.Code)).Select(file => file.Path)];
        AssertNone(found.Except(MayBeUnsafe).Select(path => $"{path} has unsafe code, and is not in {nameof(MayBeUnsafe)}"));
        AssertNone(MayBeUnsafe.Except(found).Select(path => $"{path} is in {nameof(MayBeUnsafe)}, and has no unsafe code"));
    }

    [Fact]
    public void Native_functions_are_imported_by_LibraryImport_in_Interop() => AssertNone(
        from file in Files
        where file.Code.Contains("[DllImport(", StringComparison.Ordinal)
            || (FolderOf(file.Path) != "Interop" && file.Code.Contains("[LibraryImport(", StringComparison.Ordinal))
        select file.Path);

    [Fact]
    public void Files_are_short() => AssertNone(
        from folder in new[] { "src", "tests", "benchmarks" }
        where Directory.Exists(Path.Combine(Repository.Root, folder))
        from file in Repository.SourceFiles(folder)
        let size = new FileInfo(Path.Combine(Repository.Root, folder, file)).Length
        where size > MaxFileBytes
        select $"{folder}/{file} has {size} bytes, more than {MaxFileBytes}");

    [Fact]
    public void Nothing_is_left_to_do_and_no_type_is_named_after_nothing()
    {
        AssertNone(
            from folder in new[] { "src", "tests", "benchmarks" }
            where Directory.Exists(Path.Combine(Repository.Root, folder))
            from file in Repository.SourceFiles(folder)
            where !file.EndsWith("ArchitectureTests.cs", StringComparison.Ordinal)
            let text = File.ReadAllText(Path.Combine(Repository.Root, folder, file))
            where text.Contains("TODO", StringComparison.Ordinal) || text.Contains("NotImplementedException", StringComparison.Ordinal)
            select $"{folder}/{file}");
        AssertNone(
            from type in typeof(Tensor).Assembly.GetTypes()
            where type.Name.EndsWith("Manager", StringComparison.Ordinal) || type.Name.EndsWith("Utils", StringComparison.Ordinal)
                || type.Name.EndsWith("Helper", StringComparison.Ordinal) || type.Name.EndsWith("Common", StringComparison.Ordinal)
            select type.FullName!);
    }

    [Fact]
    public void Interfaces_with_one_implementation_are_classes() => AssertNone(
        from type in typeof(Tensor).Assembly.GetTypes()
        where type.IsInterface && typeof(Tensor).Assembly.GetTypes().Count(t => !t.IsInterface && Implements(t, type)) < 2
        select type.FullName!);

    private static bool Implements(Type type, Type contract) =>
        type.GetInterfaces().Any(i => (i.IsGenericType ? i.GetGenericTypeDefinition() : i) == contract);

    private static string FolderOf(string path) => path.Split('/')[0];

    // Within namespace HybridCnn.X, "Layers.Linear" names a type too, while "Data.Count" may be a property.
    private static bool IsType(string folder, string name) =>
        typeof(Tensor).Assembly.GetTypes().Any(t => t.Namespace == $"HybridCnn.{folder}" && t.Name.Split('`')[0] == name);

    // Comments may name what the code may not use.
    private static string CodeOf(string file) => Comment().Replace(File.ReadAllText(file), "");

    private static void AssertNone(IEnumerable<string> violations)
    {
        string[] all = [.. violations.Distinct()];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    [GeneratedRegex(@"(?<full>\bHybridCnn\.)(?<folder>\w+)|(?<![\w.])(?<folder>[A-Z]\w+)\.(?<name>\w+)")]
    private static partial Regex FolderUse();

    [GeneratedRegex(@"\b(Tensor|Parameter|Layer|Thread|WorkerPool|ComputeContext|Task|Interlocked)\b")]
    private static partial Regex TensorOrThread();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();
}
