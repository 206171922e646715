using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using HybridCnn.Interop;
using HybridCnn.Tests.Meta;

namespace HybridCnn.Tests.Interop;

/// <summary>
/// The generated bindings against the headers, with the C compiler alone: what reflection finds is declared once more behind the header, and a
/// declaration that doesn't agree is the compiler's error. What only one side has is found by counting.
/// </summary>
public sealed partial class BindingDriftTests : IDisposable
{
    private static readonly string s_helper = Path.Combine(Repository.Root, "native/include/hybridcnn_native.h");
    private static readonly string s_cblas = Path.Combine(Repository.Root, "native/bindings/cblas.h");

    private static readonly (Type Type, string Name, string[] Prefixes)[] s_types =
    [
        (typeof(NativeStatus), "hcn_status", ["HCN_", "HCN_ERROR_"]),
        (typeof(NativeTranspose), "hcn_transpose", ["HCN_"]),
        (typeof(NativeGuardSide), "hcn_guard_side", ["HCN_"]),
        (typeof(NativeOpenBlasInfo), "hcn_openblas_info", []),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("hybridcnn-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [CompilerFact]
    public void The_bindings_are_those_of_the_headers() => Assert.Null(Drift(File.ReadAllText(s_helper)));

    [CompilerTheory]
    [InlineData("hcn_guard_free(void *memory, uint64_t bytes)", "hcn_guard_free(void *memory, uint32_t bytes)")]
    [InlineData("hcn_guard_free(void *memory, uint64_t bytes)", "hcn_guard_free(uint64_t bytes, void *memory)")]
    [InlineData("HCN_API uint64_t hcn_fpmode_get(void)", "HCN_API int64_t hcn_fpmode_get(void)")]
    [InlineData("float beta, float *c, int32_t ldc);", "float beta, double *c, int32_t ldc);")]
    [InlineData("HCN_API int32_t hcn_abi_version(void);", "")]
    [InlineData("HCN_API int32_t hcn_abi_version(void);", "HCN_API int32_t hcn_abi_version(void);\nHCN_API void hcn_new(void);")]
    [InlineData("#define HCN_ABI_VERSION 1", "#define HCN_ABI_VERSION 2")]
    [InlineData("HCN_ERROR_ILP64 = 5,", "HCN_ERROR_ILP64 = 7,")]
    [InlineData("HCN_OK = 0,", "HCN_OK = 0, HCN_ERROR_NEW = 9,")]
    [InlineData("int32_t integer_bits;", "int64_t integer_bits;")]
    [InlineData("void *handle;", "")]
    [InlineData("int32_t reserved;", "int32_t reserved; int32_t more;")]
    [InlineData("const char *core_name;", "const char *core_name_two;")]
    public void A_change_of_the_header_is_noticed(string text, string changed)
    {
        string header = File.ReadAllText(s_helper);
        Assert.Contains(text, header, StringComparison.Ordinal);
        Assert.NotNull(Drift(header.Replace(text, changed, StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_native_type_is_compared() => Assert.Equal(
        typeof(NativeMethods).Assembly.GetTypes()
            .Where(type => type.Namespace == "HybridCnn.Interop" && type.Name.StartsWith("Native", StringComparison.Ordinal) && type.IsValueType).Select(type => type.Name).Order(),
        s_types.Select(type => type.Type.Name).Order());

    private static MethodInfo[] Functions { get; } = [.. typeof(NativeMethods)
        .GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        .Where(method => method.GetCustomAttribute<DllImportAttribute>() is not null && !method.Name.StartsWith('<'))];

    // Null, or what doesn't agree.
    private string? Drift(string helper)
    {
        string[] bound = [.. Functions.Select(EntryPoint).Order(StringComparer.Ordinal)];
        string cblas = File.ReadAllText(s_cblas);
        string[] declared = [.. Declared().Matches(Comment().Replace(helper, "")).Concat(Declared().Matches(Comment().Replace(cblas, "")))
            .Select(match => match.Groups["name"].Value).Order(StringComparer.Ordinal)];
        if (!bound.SequenceEqual(declared))
            return $"bound: {string.Join(' ', bound)}; declared: {string.Join(' ', declared)}";
        int items = s_types.Where(type => type.Type.IsEnum).Sum(type => Enum.GetNames(type.Type).Length + 1);
        int found = Item().Count(Comment().Replace(helper, ""));
        if (items != found)
            return $"{items} members of enumerations are bound, {found} are declared";

        File.WriteAllText(Path.Combine(_folder, "hybridcnn_native.h"), helper);
        File.WriteAllText(Path.Combine(_folder, "cblas.h"), cblas);
        File.WriteAllText(Path.Combine(_folder, "drift.c"), Redeclaration());
        return Compile();
    }

    // C# has no const, so the headers are read without theirs.
    private static string Redeclaration()
    {
        var text = new StringBuilder("#include <stddef.h>\n#include <stdint.h>\n#define const\n#include \"hybridcnn_native.h\"\n#include \"cblas.h\"\n");
        Assert(text, $"HCN_ABI_VERSION == {NativeMethods.AbiVersion}");
        Assert(text, $"CBLAS_ROW_MAJOR == {NativeMethods.RowMajor}");
        foreach ((Type type, string name, string[] prefixes) in s_types)
        {
            if (type.IsEnum)
            {
                Assert(text, $"sizeof({name}) == {sizeof(int)}");
                foreach (object value in Enum.GetValues(type))
                    Assert(text, $"{prefixes[(int)value == 0 ? 0 : ^1]}{Snake(value.ToString()!).ToUpperInvariant()} == {(int)value}");
                continue;
            }

            Assert(text, $"sizeof({name}) == {SizeOf(type)}");
            foreach (FieldInfo field in type.GetFields())
                Assert(text, $"offsetof({name}, {Snake(field.Name)}) == {Marshal.OffsetOf(type, field.Name)}");
        }

        foreach (MethodInfo method in Functions)
        {
            string parameters = string.Join(", ", method.GetParameters().Select(parameter => TypeOf(parameter.ParameterType)));
            text.Append(CultureInfo.InvariantCulture, $"{TypeOf(method.ReturnType)} {EntryPoint(method)}({(parameters.Length == 0 ? "void" : parameters)});\n");
        }

        return text.ToString();

        static void Assert(StringBuilder text, string condition) => text.Append(CultureInfo.InvariantCulture, $"_Static_assert({condition}, \"{condition}\");\n");
    }

    private static string EntryPoint(MethodInfo method) => method.GetCustomAttribute<DllImportAttribute>()!.EntryPoint!;

    private static int SizeOf(Type type) => Marshal.SizeOf(type);

    private static string TypeOf(Type type) => type.IsPointer ? TypeOf(type.GetElementType()!) + "*"
        : type == typeof(void) ? "void"
        : type == typeof(byte) ? "char"
        : type == typeof(int) ? "int32_t"
        : type == typeof(ulong) ? "uint64_t"
        : type == typeof(float) ? "float"
        : s_types.Single(known => known.Type == type).Name;

    private static string Snake(string name) => Capital().Replace(name, "_$0").ToLowerInvariant();

    private string? Compile()
    {
        using Process compiler = Process.Start(new ProcessStartInfo("cc", ["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "drift.c"])
        {
            WorkingDirectory = _folder,
            RedirectStandardError = true,
        })!;
        string errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        return compiler.ExitCode == 0 ? null : errors;
    }

    [GeneratedRegex(@"\b(?<name>(hcn|cblas)_\w+)\s*\(")]
    private static partial Regex Declared();

    [GeneratedRegex(@"\bHCN_\w+ = ")]
    private static partial Regex Item();

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Capital();

    private sealed class CompilerFactAttribute : FactAttribute
    {
        public CompilerFactAttribute() => Skip = WithoutCompiler;
    }

    private sealed class CompilerTheoryAttribute : TheoryAttribute
    {
        public CompilerTheoryAttribute() => Skip = WithoutCompiler;
    }

    private static string? WithoutCompiler { get; } =
        !OperatingSystem.IsWindows() && (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(path => File.Exists(Path.Combine(path, "cc")))
            ? null
            : "No C compiler cc here.";
}
