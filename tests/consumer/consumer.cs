#:property PublishAot=false
// What a user of the packages sees: restores them into a small program outside this checkout, with a package folder of its own, runs it,
// publishes it in every way that people publish, and takes away what a single file needs. packages.cs looks at the packages themselves.
//   dotnet run --file tests/consumer/consumer.cs -- FEED [PACKAGES]
// FEED holds HybridCnn and HybridCnn.Runtime for this system, and HybridCnn.TorchSharp, which a second program has and runs as far as it goes without
// libtorch. PACKAGES is the package folder, kept for the next time; without it one is made and deleted. Packages of the SDK that no feed serves are
// skipped, aloud, and so is what holds only for the OpenBLAS that is built from source, where the packages hold another.
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

const string Library = "HybridCnn";
const double MostPackedMb = 5, MostNativeMb = 15;

if (args is not [var feedArgument, ..] || !Directory.Exists(feedArgument))
{
    Console.Error.WriteLine("usage: consumer.cs FEED [PACKAGES]; FEED is the folder that `build.ps1 pack` writes");
    return 2;
}

string feed = Path.GetFullPath(feedArgument);
string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
string rid = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
string runtime = $"{Library}.Runtime.{rid}";
string? version = Directory.EnumerateFiles(feed, $"{Library}.*.nupkg")
    .Select(file => Regex.Match(Path.GetFileName(file), $@"^{Library}\.(\d.*)\.nupkg$")).FirstOrDefault(match => match.Success)?.Groups[1].Value;
if (version is null || !File.Exists(Path.Combine(feed, $"{runtime}.{version}.nupkg")))
{
    Console.Error.WriteLine($"{feed} does not hold {Library} and {runtime} of one version; run `build.ps1 pack`.");
    return 2;
}

string bridge = $"{Library}.TorchSharp";
string[] packed;
using (ZipArchive archive = ZipFile.OpenRead(Path.Combine(feed, $"{runtime}.{version}.nupkg")))
    packed = [.. archive.Entries.Select(entry => entry.Name)];
bool hasBlas = packed.Any(name => name.Contains("openblas", StringComparison.Ordinal) && !name.EndsWith(".txt", StringComparison.Ordinal));
bool isSmall = hasBlas && !packed.Any(name => name.Contains("gfortran", StringComparison.Ordinal));
int passed = 0, failed = 0, skipped = 0;
string work = Directory.CreateTempSubdirectory("hybridcnn-consumer-").FullName;
try
{
    string packages = args.Length > 1 ? Path.GetFullPath(args[1]) : Path.Combine(work, "packages");
    // The other feeds are the machine's own.
    File.WriteAllText(Path.Combine(work, "nuget.config"), $"""
        <configuration>
          <packageSources><add key="{Library}" value="{feed}" /></packageSources>
        </configuration>
        """);
    string app = Copy("app");
    // What an earlier run left there is another build of the same version.
    foreach (string name in new[] { Library, runtime, bridge })
    {
        string old = Path.Combine(packages, name.ToLowerInvariant());
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }

    CheckSize($"size of {Library} and {runtime} {version}", [Path.Combine(feed, $"{Library}.{version}.nupkg"), Path.Combine(feed, $"{runtime}.{version}.nupkg")], MostPackedMb);

    string[] shared = [$"-p:RestorePackagesPath={packages}", $"-p:HybridCnnVersion={version}", $"-p:HybridCnnRuntime={runtime}", "-c", "Release"];
    Run("build", ["build", .. shared, "-o", Path.Combine(work, "build")], Path.Combine(work, "build"), dll: true);
    Publish("framework-dependent for one system", "--no-self-contained");
    if (Publish("single file, libraries beside it", "--no-self-contained", "-p:PublishSingleFile=true") is { } single)
    {
        foreach (string file in Directory.EnumerateFiles(single).Where(file => file.Contains("hybridcnn_native", StringComparison.Ordinal)))
            File.Delete(file);
        Fails("single file without its libraries", single, [], "could not be loaded. Looked at:", single, "not there", $"add {runtime}, of the same version");
    }

    if (Publish("trimmed single file, libraries within", "--self-contained", "-p:PublishSingleFile=true", "-p:PublishTrimmed=true", "-p:IncludeNativeLibrariesForSelfExtract=true") is { } within
        && OperatingSystem.IsLinux())
    {
        // Where nothing can be written, root can't either. The words are those of .NET's own start.
        const string Nowhere = "/proc/none";
        Fails("single file that can't be unpacked", within, [("HOME", Nowhere), ("TMPDIR", Nowhere), ("DOTNET_BUNDLE_EXTRACT_BASE_DIR", Nowhere)], Nowhere, "extract");
    }

    string? native = Publish("NativeAOT", "-p:PublishAot=true");
    if (native is not null)
        CheckSize("size of NativeAOT with libraries", Directory.EnumerateFiles(native).Where(file => !file.EndsWith(".dbg", StringComparison.Ordinal)), MostNativeMb);

    if (File.Exists(Path.Combine(feed, $"{bridge}.{version}.nupkg")))
    {
        app = Copy("torchsharp");
        string output = Path.Combine(work, "torchsharp-build");
        Run(bridge, ["build", .. shared, "-o", output], output, dll: true);
    }
    else
    {
        skipped++;
        Console.WriteLine($"SKIPPED {bridge}: {feed} has no {bridge} {version}");
    }

    // A program that can't start says what is wrong: each of the words.
    void Fails(string what, string output, (string Name, string Value)[] variables, params string[] words)
    {
        (int code, string text) = Execute(Path.Combine(output, "App"), [], work, variables);
        string? missing = words.FirstOrDefault(word => !text.Contains(word, StringComparison.Ordinal));
        Check(what, code != 0 && missing is null, missing is null ? $"exit code {code}: {text.Trim().Split('\n')[0]}" : $"exit code {code}, and nothing of \"{missing}\":\n{text}");
    }

    string Copy(string program)
    {
        string folder = Path.Combine(work, program);
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Here(), program)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return folder;
    }

    string? Publish(string way, params string[] options)
    {
        string output = Path.Combine(work, "publish-" + Regex.Replace(way, @"\W+", "-"));
        return Run(way, ["publish", .. shared, "-r", rid, .. options, "-o", output], output, dll: false) ? output : null;
    }

    bool Run(string way, string[] command, string output, bool dll)
    {
        long start = Stopwatch.GetTimestamp();
        // Every way from its own intermediate files.
        string obj = Path.Combine(app, "obj");
        if (Directory.Exists(obj))
            Directory.Delete(obj, recursive: true);
        (int code, string text) = Execute("dotnet", command, app);
        if (code != 0)
        {
            if (Regex.Match(text, @"error (?<reason>NU110[12]: Unable to find package (?!HybridCnn).*?|.*Platform linker \(.*\) not found.*?)( \[|$)", RegexOptions.Multiline) is { Success: true } missing)
            {
                skipped++;
                Console.WriteLine($"SKIPPED {way}: {missing.Groups["reason"].Value.Trim()}");
                return false;
            }

            return Check(way, false, $"dotnet {string.Join(' ', command)} ended with exit code {code}:\n{text}");
        }

        double built = Stopwatch.GetElapsedTime(start).TotalSeconds;
        string program = Path.Combine(output, dll ? "App.dll" : OperatingSystem.IsWindows() ? "App.exe" : "App");
        // From another folder than the program's.
        (code, text) = dll ? Execute("dotnet", [program], work) : Execute(program, [], work);
        string Value(string key) => Regex.Match(text, $"^{key}=(.*?)\r?$", RegexOptions.Multiline).Groups[1].Value;
        bool right = code == 0 && (!hasBlas || Path.IsPathRooted(Value("path")));
        return Check(way, right, right
            ? string.Create(CultureInfo.InvariantCulture, $"{Results(text)}, {Megabytes(Directory.EnumerateFiles(output, "*", SearchOption.AllDirectories)):0.0} MB, published in {built:0} s")
            : $"exit code {code}; an OpenBLAS with a full path expected, if the package has one:\n{text}");
    }
}
finally
{
    Directory.Delete(work, recursive: true);
}

Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return failed == 0 ? 0 : 1;

bool Check(string what, bool holds, string text)
{
    _ = holds ? passed++ : failed++;
    Console.WriteLine($"{(holds ? "passed" : "FAILED")} {what}: {text}");
    return holds;
}

void CheckSize(string what, IEnumerable<string> files, double most)
{
    double size = Megabytes(files);
    if (size > most && !isSmall)
    {
        skipped++;
        Console.WriteLine($"SKIPPED {what}: {size:0.00} MB, but {(hasBlas ? "a distribution's OpenBLAS is in the package" : "there is no OpenBLAS in the package")}");
        return;
    }

    Check(what, size <= most, string.Create(CultureInfo.InvariantCulture, $"{size:0.00} MB (at most {most})"));
}

// "core Zen, accuracy 0.98" of the lines "core=Zen", "accuracy=0.98".
static string Results(string text) => string.Join(", ", Regex.Matches(text, @"^(?!path|blas)(\w+)=(.*?)\r?$", RegexOptions.Multiline).Select(line => $"{line.Groups[1].Value} {line.Groups[2].Value}"));

static double Megabytes(IEnumerable<string> files) => files.Sum(file => new FileInfo(file).Length) * 1e-6;

static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

static (int ExitCode, string Text) Execute(string program, string[] arguments, string folder, params (string Name, string Value)[] variables)
{
    var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
    // The build that started this one must not speak for the program's.
    foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) && name.Contains("SDK", StringComparison.OrdinalIgnoreCase)).ToList())
        start.Environment.Remove(name);
    foreach (var (name, value) in variables)
        start.Environment[name] = value;
    using Process process = Process.Start(start)!;
    Task<string> error = process.StandardError.ReadToEndAsync();
    string output = process.StandardOutput.ReadToEnd();
    process.WaitForExit();
    return (process.ExitCode, output + error.Result);
}
