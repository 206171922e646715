using System.IO.Compression;
using HybridCnn.Tests.IO;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Cli;

/// <summary><c>hybridcnn data download</c> and <c>verify</c> against a server on this machine.</summary>
public class DownloadTests
{
    private const string Images = "train-images-idx3-ubyte.gz", TestLabels = "t10k-labels-idx1-ubyte.gz";

    [SharedDataFact("mnist")]
    public void Fetches_a_set_goes_on_behind_a_cut_and_trains_on_it()
    {
        using var folder = new TempFolder();
        using FileServer server = Mnist();
        (server.CutAfter, server.Cuts) = (1_000_000, 3);
        CliResult result = Download(server, folder["mnist"]);
        Assert.True(result.ExitCode == 0, result.Error);
        // Three times a million bytes, then the rest; no byte twice.
        Assert.Equal([Images, $"{Images} 1000000-", $"{Images} 2000000-", $"{Images} 3000000-"], server.Requests.Take(4));
        Assert.Equal(7, server.Requests.Count);
        Assert.Equal(4, Directory.GetFiles(folder["mnist"]).Length);
        Assert.Contains($"{Images}: 9,912,422 bytes, SHA-256 as it should be", result.Output);
        Assert.Equal(File.ReadAllBytes(Path.Combine(SharedData.Part("mnist")!, Images)), File.ReadAllBytes(Path.Combine(folder["mnist"], Images)));

        // A second time nothing is fetched.
        CliResult again = CliProcess.Run("data", "download", "mnist", "--data-dir", folder["mnist"], "--mirror", server.Url, "--json");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(4, again.Lines.Length);
        Assert.Equal($$"""{"event":"file","name":"{{Images}}","state":"there","bytes":9912422}""", again.Lines[0]);
        Assert.Equal(7, server.Requests.Count);
        Assert.Equal(0, CliProcess.Run("data", "verify", "mnist", "--data-dir", folder["mnist"]).ExitCode);
        CliResult trained = CliProcess.Run(
            "train", "--data", "mnist", "--data-dir", folder["mnist"], "--limit", "64", "--epochs", "1", "--model", "lenet5", "--threads", "1", "--out", folder["run"]);
        Assert.True(trained.ExitCode == 0, trained.Error);
    }

    [SharedDataFact("mnist")]
    public void Goes_on_where_another_process_ended_and_starts_over_where_the_server_cannot()
    {
        foreach (bool ignores in (bool[])[false, true])
        {
            using var folder = new TempFolder();
            using FileServer server = Mnist();
            server.IgnoresRanges = ignores;
            byte[] whole = File.ReadAllBytes(Path.Combine(SharedData.Part("mnist")!, Images));
            folder.Write(Images + ".part", whole[..5_000_000]);
            // Whole already, only its name is missing.
            folder.Write(TestLabels + ".part", File.ReadAllBytes(Path.Combine(SharedData.Part("mnist")!, TestLabels)));
            CliResult result = Download(server, folder.Path);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Equal($"{Images} 5000000-", server.Requests[0]);
            Assert.Equal(4, server.Requests.Count);
            Assert.Equal(whole, File.ReadAllBytes(folder[Images]));
            Assert.Equal(4, Directory.GetFiles(folder.Path).Length);
        }
    }

    [Fact]
    public void Another_content_is_thrown_away_and_both_hashes_are_said()
    {
        using var folder = new TempFolder();
        using var server = new FileServer(_ => [1, 2, 3]);
        CliResult result = Download(server, folder.Path);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81, not 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", result.Error);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_missing_file_is_named_by_its_address_and_not_asked_for_again()
    {
        using var folder = new TempFolder();
        using var server = new FileServer(_ => null);
        CliResult result = Download(server, folder.Path);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"{server.Url}/{Images}: the server says 404 Not Found.", result.Error);
        Assert.Single(server.Requests);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task A_server_that_is_tired_or_gone_is_asked_five_times_and_what_came_is_kept()
    {
        using var folder = new TempFolder();
        var content = new byte[1000];
        using var server = new FileServer(_ => content) { Refusals = 3, CutAfter = 0, Cuts = 99 };
        folder.Write(Images + ".part", new byte[400]);
        string url;
        using (var gone = new FileServer(_ => null))
            url = gone.Url;
        // At the same time, as both spend it waiting.
        using var other = new TempFolder();
        Task<CliResult> unanswered = Task.Run(() => CliProcess.Run("data", "download", "mnist", "--data-dir", other.Path, "--mirror", url));
        CliResult result = Download(server, folder.Path);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal(5, server.Requests.Count);
        Assert.Contains("Run the same command again: it goes on behind the 400 bytes", result.Error);
        Assert.Equal(400, new FileInfo(folder[Images + ".part"]).Length);
        CliResult refused = await unanswered;
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("error: http://127.0.0.1", refused.Error);
    }

    [Fact]
    public void A_disk_that_is_full_or_cannot_be_written_is_named()
    {
        using var folder = new TempFolder();
        using var server = new FileServer(_ => new byte[100_000]);
        if (OperatingSystem.IsLinux())
        {
            File.CreateSymbolicLink(folder[Images + ".part"], "/dev/full");
            CliResult full = Download(server, folder.Path);
            Assert.Equal(2, full.ExitCode);
            Assert.Contains($"Can't write {folder[Images + ".part"]}", full.Error);
            File.Delete(folder[Images + ".part"]);
        }

        Directory.CreateDirectory(folder[Images + ".part"]);
        CliResult blocked = Download(server, folder.Path);
        Assert.Equal(2, blocked.ExitCode);
        Assert.Contains($"Can't write {folder[Images + ".part"]}", blocked.Error);
        CliResult file = Download(server, folder.Write("file", [1]));
        Assert.Equal(2, file.ExitCode);
        Assert.Contains(folder["file"], file.Error);
    }

    [Fact]
    public void A_file_of_that_name_with_another_content_is_left_alone()
    {
        using var folder = new TempFolder();
        using var server = new FileServer(_ => [1]);
        folder.Write(Images, [9, 9]);
        CliResult result = Download(server, folder.Path);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("Move it away", result.Error);
        Assert.Empty(server.Requests);
        Assert.Equal([9, 9], File.ReadAllBytes(folder[Images]));
    }

    [SharedDataFact("cifar10")]
    public void Verify_knows_original_bytes_packed_or_not_and_says_what_is_wrong_and_missing()
    {
        using var folder = new TempFolder();
        string cifar = SharedData.Part("cifar10")!;
        CliResult result = CliProcess.Run("data", "verify", "cifar10", "--data-dir", cifar);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal(["right", "right", "missing", "missing", "missing", "missing"], result.Lines.Select(l => l.Split(' ')[0]));
        using (FileStream packed = File.OpenRead(Path.Combine(cifar, "data_batch_1.bin.gz")))
        using (var unpacked = new GZipStream(packed, CompressionMode.Decompress))
        using (FileStream plain = File.Create(folder["data_batch_1.bin"]))
            unpacked.CopyTo(plain);
        folder.Write("data_batch_2.bin.gz", [1, 2, 3]);
        CliResult other = CliProcess.Run("data", "verify", "cifar10", "--data-dir", folder.Path, "--json");
        Assert.Contains("\"name\":\"data_batch_1.bin\",\"state\":\"right\"", other.Lines[0]);
        Assert.Contains("\"name\":\"data_batch_2.bin.gz\",\"state\":\"wrong\"", other.Lines[1]);
        Assert.Equal(2, CliProcess.Run("data", "verify", "cifar10", "--data-dir", folder["none"]).ExitCode);
    }

    [Fact]
    public void Bad_arguments_exit_1()
    {
        foreach (string arguments in (string[])["data download cifar", "data download", "data download mnist --mirror ftp://x", "data verify image-folder", "data stats imagenet"])
        {
            CliResult result = CliProcess.Run(arguments.Split(' '));
            Assert.True(result.ExitCode == 1, $"{arguments}: {result.ExitCode} {result.Output}{result.Error}");
            Assert.Contains("error: ", result.Error);
        }
    }

    private static FileServer Mnist() => new(name => File.ReadAllBytes(Path.Combine(SharedData.Part("mnist")!, name)));

    private static CliResult Download(FileServer server, string folder) => CliProcess.Run("data", "download", "mnist", "--data-dir", folder, "--mirror", server.Url);
}
