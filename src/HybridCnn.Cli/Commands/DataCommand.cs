using System.CommandLine;
using HybridCnn.Cli.Display;
using HybridCnn.Cli.Downloads;
using HybridCnn.Cli.Pictures;
using HybridCnn.Cli.Runs;
using HybridCnn.Data;
using HybridCnn.IO;

namespace HybridCnn.Cli.Commands;

/// <summary><c>hybridcnn data download|verify|stats</c>.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Fetches, checks and describes data sets.") { Download(), Verify(), Stats() };

    private static Command Download()
    {
        Argument<string> name = KnownName();
        Option<string> directory = DirectoryOption("Folder to put the files in; made if need be. Default: data/NAME.");
        var mirror = new Option<string>("--mirror") { Description = "Where to fetch from instead of the set's home: the URL before the files' names.", HelpName = "url" };
        mirror.Validators.Add(result =>
        {
            if (!Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https"))
                result.AddError($"--mirror {result.Tokens[0].Value}: expected a URL that begins with http:// or https://.");
        });
        Option<bool> json = CommonOptions.Json();
        var command = new Command("download", "Fetches a data set. Goes on where an earlier attempt ended, and checks SHA-256.") { name, directory, mirror, json };
        command.SetAction(parsed =>
        {
            KnownDataSet set = KnownDataSets.Get(parsed.GetRequiredValue(name));
            string folder = parsed.GetValue(directory) ?? Path.Combine("data", set.Name);
            string home = parsed.GetValue(mirror) is { } url ? url.TrimEnd('/') + "/" : set.Home;
            Directory.CreateDirectory(folder);
            using var interruption = new Interruption();
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            try
            {
                foreach (KnownFile file in set.Downloads)
                    Fetch(client, new Uri(home + file.Name), Path.Combine(folder, file.Name), file, parsed.GetValue(json), interruption.Token);
            }
            catch (OperationCanceledException)
            {
                throw new UserErrorException(ExitCode.Interrupted, "Interrupted.", "Run the same command again: it goes on where it was.");
            }

            if (!parsed.GetValue(json))
                Console.Out.WriteLine($"{set.Name} is in {folder}: hybridcnn train --data {set.Name} --data-dir {folder}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Fetch(HttpClient client, Uri url, string path, KnownFile file, bool json, CancellationToken cancellation)
    {
        if (File.Exists(path))
        {
            string there = ContentHash.OfFile(path);
            if (there != file.Sha256)
                throw UserErrorException.BadData($"{path} is there, with SHA-256 {there} instead of {file.Sha256}.", "Move it away, or name another folder with --data-dir.");
            if (json)
                DownloadDisplay.WriteJson(file.Name, "there", new FileInfo(path).Length);
            else
                Console.Out.WriteLine($"{file.Name}: is there, SHA-256 as it should be");
            return;
        }

        DownloadDisplay.Run(file.Name, json, progress => new Downloader(client, progress).Fetch(url, path, file.Sha256, cancellation).GetAwaiter().GetResult());
    }

    private static Command Verify()
    {
        Argument<string> name = KnownName();
        Option<string> directory = DirectoryOption("The folder. Default: data/NAME.");
        Option<bool> json = CommonOptions.Json();
        var command = new Command("verify", "Compares the files of a folder, packed or not, with the known SHA-256 of the original ones.") { name, directory, json };
        command.SetAction(parsed =>
        {
            KnownDataSet set = KnownDataSets.Get(parsed.GetRequiredValue(name));
            IReadOnlyList<FileState> states = Verification.Run(set, parsed.GetValue(directory) ?? Path.Combine("data", set.Name));
            foreach (FileState state in states)
            {
                if (!parsed.GetValue(json))
                {
                    Console.Out.WriteLine($"{state.State,-8} {state.Name}{(state.Detail.Length > 0 ? $"   {state.Detail}" : "")}");
                    continue;
                }

                JsonLines.Write(Console.Out, line =>
                {
                    line.WriteString("event", "file");
                    line.WriteString("name", state.Name);
                    line.WriteString("state", state.State);
                });
            }

            return states.All(s => s.State == Verification.Right) ? ExitCode.Ok : ExitCode.Data;
        });
        return command;
    }

    private static Command Stats()
    {
        var name = new Argument<string>("name") { Description = string.Join(", ", DataSource.Names) + "." };
        name.AcceptOnlyFromAmong(DataSource.Names);
        Option<string> directory = DirectoryOption(CommonOptions.DataDirectory().Description!);
        Option<int> limit = CommonOptions.Limit();
        var sheet = new Option<string>("--sheet") { Description = "Also draws a contact sheet to this PNG file: a row per class, its first training images.", HelpName = "file" };
        Option<bool> json = CommonOptions.Json();
        var reading = new DataOptions();
        var command = new Command("stats", "Counts the images of each class, measures every channel, draws a contact sheet.") { name, directory, limit, sheet, json };
        reading.AddForReading(command);
        command.SetAction(parsed =>
        {
            (ImageDataset train, ImageDataset test) = DataSource.Load(parsed.GetRequiredValue(name), parsed.GetValue(directory), reading.Read(parsed), parsed.GetValue(limit));
            if (parsed.GetValue(json))
                DataText.WriteJson(Console.Out, train, test);
            else
                DataText.Write(Console.Out, train, test);
            if (parsed.GetValue(sheet) is { } file)
            {
                byte[] png = ContactSheet.Draw(train);
                AtomicFile.Write(file, stream => stream.Write(png));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> KnownName()
    {
        var name = new Argument<string>("name") { Description = string.Join(", ", KnownDataSets.Names) + "." };
        name.AcceptOnlyFromAmong(KnownDataSets.Names);
        return name;
    }

    private static Option<string> DirectoryOption(string description) => new("--data-dir") { Description = description, HelpName = "dir" };
}
