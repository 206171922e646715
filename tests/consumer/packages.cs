#:property PublishAot=false
// What the packages say of themselves and hold: licences, page, repository, versions that belong together, symbols, and what native files ask of Linux.
//   dotnet run --file tests/consumer/packages.cs -- FEED
// What holds only for the OpenBLAS that is built from source is skipped, aloud, where the packages hold another.
using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

const string Library = "HybridCnn", Bridge = "HybridCnn.TorchSharp";
// What README.md promises of the native files.
const string NewestGlibc = "2.34", CLibraries = @"^(libc|libm|libdl|libpthread|librt|ld-linux[\w-]*)\.so\.\d+$";

if (args is not [var feed] || !Directory.Exists(feed))
{
    Console.Error.WriteLine("usage: packages.cs FEED; FEED is the folder that `build.ps1 pack` writes");
    return 2;
}

string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
string rid = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
string runtime = $"{Library}.Runtime.{rid}";
int passed = 0, failed = 0, skipped = 0;
CheckManaged(Library, $"{Library}.dll", asksForLibrary: false);
CheckNative();
CheckManaged(Bridge, $"{Bridge}.dll", asksForLibrary: true);
Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return failed == 0 ? 0 : 1;

void CheckManaged(string id, string assembly, bool asksForLibrary) => Check(id, package =>
{
    string pdb = $"lib/net10.0/{id}.pdb", documentation = Path.ChangeExtension(assembly, ".xml");
    List<string> faults = [.. Saying(package, id, "MIT", asksForLibrary), .. Missing(package, $"lib/net10.0/{assembly}", $"lib/net10.0/{documentation}", "LICENSE")];
    if (Files(id, "snupkg") is not [var symbols])
        return [.. faults, "no package of symbols, or several"];
    using ZipArchive archive = ZipFile.OpenRead(symbols);
    return [.. faults, .. Missing(archive, pdb)];
});

void CheckNative() => Check(runtime, package =>
{
    ZipArchiveEntry[] libraries = [.. package.Entries.Where(entry => entry.FullName.StartsWith($"runtimes/{rid}/native/", StringComparison.Ordinal))];
    List<string> faults = [.. Saying(package, runtime, "MIT AND BSD-3-Clause", asksForLibrary: true), .. Missing(package, "licenses/LICENSE")];
    if (!libraries.Any(entry => entry.Name.Contains("hybridcnn_native", StringComparison.Ordinal)))
        faults.Add("no helper");
    bool hasBlas = libraries.Any(entry => entry.Name.Contains("openblas", StringComparison.Ordinal));
    if (hasBlas && !package.Entries.Any(entry => Regex.IsMatch(entry.FullName, @"^licenses/.*openblas.*\.copyright\.txt$")))
        faults.Add("OpenBLAS without its licence");
    string? without = !OperatingSystem.IsLinux() ? "not Linux"
        : libraries.Any(entry => entry.Name.Contains("gfortran", StringComparison.Ordinal)) ? "a distribution's OpenBLAS is in the package"
        : !Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(path => File.Exists(Path.Combine(path, "objdump"))) ? "no objdump here"
        : null;
    if (without is not null)
    {
        skipped++;
        Console.WriteLine($"SKIPPED what native files ask of the system: {without}");
        return faults;
    }

    return [.. faults, .. libraries.SelectMany(Asks)];
});

// Opens the one package of a name; what is wrong comes back in words.
void Check(string id, Func<ZipArchive, List<string>> look)
{
    string[] files = Files(id, "nupkg");
    List<string> faults = [$"{files.Length} packages of that name in {feed}, not one"];
    int entries = 0;
    if (files is [var only])
    {
        using ZipArchive package = ZipFile.OpenRead(only);
        faults = look(package);
        entries = package.Entries.Count;
    }

    _ = faults.Count == 0 ? passed++ : failed++;
    Console.WriteLine($"{(faults.Count == 0 ? "passed" : "FAILED")} {id}: {(faults.Count == 0 ? $"{entries} entries" : string.Join("; ", faults))}");
}

// Of any version, and of no other package whose name begins alike.
string[] Files(string id, string extension) =>
    [.. Directory.GetFiles(feed, $"{id}.*.{extension}").Where(file => Regex.IsMatch(Path.GetFileName(file), $@"^{Regex.Escape(id)}\.\d"))];

static IEnumerable<string> Missing(ZipArchive package, params string[] names) => names.Where(name => package.GetEntry(name) is null).Select(name => $"no {name}");

IEnumerable<string> Saying(ZipArchive package, string id, string license, bool asksForLibrary)
{
    using Stream nuspec = package.GetEntry($"{id}.nuspec")!.Open();
    XElement metadata = XDocument.Load(nuspec).Root!.Elements().First();
    XElement? Element(string name) => metadata.Elements().FirstOrDefault(element => element.Name.LocalName == name);
    string version = Element("version")?.Value ?? "", description = Element("description")?.Value ?? "";
    if (Element("license")?.Value.StartsWith(license, StringComparison.Ordinal) != true)
        yield return $"licence {Element("license")?.Value}";
    if (Element("readme")?.Value != "README.md" || package.GetEntry("README.md") is null)
        yield return "no page";
    if (Element("repository")?.Attribute("type")?.Value != "git")
        yield return "no repository";
    if (description.Contains("never run", StringComparison.Ordinal) != (id == runtime && rid != "linux-x64"))
        yield return $"description \"{description}\"";
    string[] ours = [.. metadata.Descendants().Where(element => element.Name.LocalName == "dependency" && element.Attribute("id")!.Value.StartsWith(Library, StringComparison.Ordinal))
        .Select(element => $"{element.Attribute("id")!.Value} {element.Attribute("version")!.Value}")];
    if (!ours.SequenceEqual(asksForLibrary ? [$"{Library} [{version}, {version}]"] : []) && !ours.SequenceEqual(asksForLibrary ? [$"{Library} [{version}]"] : []))
        yield return $"asks for {string.Join(", ", ours)}";
}

// Symbols of a newer glibc than promised, and other libraries than glibc's.
static IEnumerable<string> Asks(ZipArchiveEntry library)
{
    string file = Path.GetTempFileName();
    library.ExtractToFile(file, overwrite: true);
    using Process process = Process.Start(new ProcessStartInfo("objdump", ["-p", file]) { RedirectStandardOutput = true })!;
    string text = process.StandardOutput.ReadToEnd();
    process.WaitForExit();
    File.Delete(file);
    Version[] versions = [.. Regex.Matches(text, @"\bGLIBC_(\d+\.\d+(\.\d+)?)\s*$", RegexOptions.Multiline).Select(match => Version.Parse(match.Groups[1].Value))];
    if (versions.Length == 0)
        yield return $"{library.Name}: no version of glibc in what objdump says";
    foreach (Version version in versions.Where(version => version > Version.Parse(NewestGlibc)))
        yield return $"{library.Name} needs glibc {version}, and {NewestGlibc} is promised: pack on an older system";
    foreach (Match needed in Regex.Matches(text, @"^\s*NEEDED\s+(\S+)\s*$", RegexOptions.Multiline).Where(match => !Regex.IsMatch(match.Groups[1].Value, CLibraries)))
        yield return $"{library.Name} needs {needed.Groups[1].Value}";
}
