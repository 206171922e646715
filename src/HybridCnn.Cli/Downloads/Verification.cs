namespace HybridCnn.Cli.Downloads;

/// <summary>How a file of a data set was found.</summary>
/// <param name="Name">The file's name, as it lies there or should.</param>
/// <param name="State">"right", "wrong" or "missing".</param>
/// <param name="Detail">The hashes where they differ.</param>
internal sealed record FileState(string Name, string State, string Detail = "");

/// <summary>Compares the files of a folder with what is known of a data set: packed or not, what they hold must be the original bytes.</summary>
internal static class Verification
{
    public const string Right = "right", Wrong = "wrong", Missing = "missing";

    public static IReadOnlyList<FileState> Run(KnownDataSet set, string folder)
    {
        if (!Directory.Exists(folder))
            throw UserErrorException.BadData($"There is no folder {Path.GetFullPath(folder)}.", $"'hybridcnn data download {set.Name} --data-dir {folder}' makes and fills it.");
        var states = new List<FileState>();
        bool archive = false;
        if (set.Subfolder is not null && set.Downloads.FirstOrDefault(f => File.Exists(Path.Combine(folder, f.Name))) is { } packed)
        {
            states.Add(Compare(packed.Name, packed.Sha256, ContentHash.OfFile(Path.Combine(folder, packed.Name))));
            archive = true;
        }

        foreach (KnownFile file in set.Contents)
        {
            // mnist's files are also known with a dot: train-images.idx3-ubyte.
            string dotted = file.Name.Replace("-idx", ".idx");
            string[] names = [.. ((string[])[file.Name, dotted]).Distinct().SelectMany(n => set.Subfolder is null ? [n] : (string[])[n, Path.Combine(set.Subfolder, n)])];
            string? found = names.SelectMany(n => (string[])[n, n + ".gz"]).FirstOrDefault(n => File.Exists(Path.Combine(folder, n)));
            if (found is null)
            {
                // An archive has it.
                if (!archive)
                    states.Add(new(file.Name, Missing));
                continue;
            }

            string path = Path.Combine(folder, found);
            states.Add(Compare(found, file.Sha256, found.EndsWith(".gz", StringComparison.Ordinal) ? ContentHash.OfUnpacked(path) ?? "of damaged gzip data" : ContentHash.OfFile(path)));
        }

        return states;
    }

    private static FileState Compare(string name, string expected, string got) =>
        got == expected ? new(name, Right) : new(name, Wrong, $"SHA-256 {got}, expected {expected}");
}
