using CppSharp;
using CppSharp.AST;
using CppSharp.Parser;
using HybridCnn.Bindgen;

// Writes src/HybridCnn/Interop/Generated from the headers. Takes the root of the checkout; else the current folder is it.
string root = Path.GetFullPath(args is [var given] ? given : ".");
string helper = Path.Combine(root, "native/include/hybridcnn_native.h"), cblas = Path.Combine(root, "native/bindings/cblas.h");
string output = Path.Combine(root, "src/HybridCnn/Interop/Generated");

var emitter = new BindingEmitter();
emitter.Add(Parse(helper), "Helper", "hcn_");
emitter.Add(Parse(cblas), "OpenBlas", "");
Directory.CreateDirectory(output);
File.WriteAllText(Path.Combine(output, "NativeMethods.g.cs"), emitter.Functions());
File.WriteAllText(Path.Combine(output, "NativeTypes.g.cs"), emitter.Types());
Console.WriteLine($"{output}: {emitter.Count} functions");
return 0;

static TranslationUnit Parse(string header)
{
    using var options = new ParserOptions { LanguageVersion = LanguageVersion.C99 };
    options.AddIncludeDirs(Path.GetDirectoryName(header)!);
    options.Setup(Platform.Host);
    using ParserResult result = CppSharp.ClangParser.ParseSourceFile(header, options);
    for (uint i = 0; i < result.DiagnosticsCount; i++)
    {
        using ParserDiagnostic diagnostic = result.GetDiagnostics(i);
        Console.Error.WriteLine($"{diagnostic.FileName}({diagnostic.LineNumber}): {diagnostic.Message}");
    }

    if (result.Kind != ParserResultKind.Success)
        throw new InvalidOperationException($"{header} could not be parsed.");
    ASTContext context = CppSharp.ClangParser.ConvertASTContext(options.ASTContext);
    return context.TranslationUnits.Single(unit => unit.IsValid && Path.GetFullPath(unit.FilePath) == header);
}
