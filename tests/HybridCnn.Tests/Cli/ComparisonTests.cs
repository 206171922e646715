using System.Text.Json;

namespace HybridCnn.Tests.Cli;

public class ComparisonTests(TrainedRun run) : IClassFixture<TrainedRun>
{
    // As the first version of the program wrote it: settings without a recipe, epochs without data wait and memory.
    private const string OldRun = """
        {"started":"2026-01-02T03:04:05+00:00","command_line":"hybridcnn train","settings":{"data":"digits","model":"lenet","epochs":3,"batch":64,
        "learning_rate":0.5,"momentum":0.25,"seed":1,"threads":0},"machine":{"processor":"Old & Slow <1>","threads":1},
        "data":{"name":"digits"},"network":{"model":"lenet"},
        "result":{"status":"completed","test_accuracy":0.5,"test_loss":1.5,"images_trained":300,"train_seconds":30,"total_seconds":40,"images_per_second":10}}
        """;

    private const string OldEpochs = """
        {"epoch":1,"images":100,"learning_rate":0.5,"train_loss":2.0,"train_accuracy":0.25,"test_loss":1.9,"test_accuracy":0.4,"images_per_second":10,"seconds":10}
        {"epoch":2,"images":100,"learning_rate":0.5,"train_loss":1.5,"train_accuracy":0.5,"test_loss":1.4,"test_accuracy":0.625,"images_per_second":10,"seconds":10}
        {"epoch":3,"images":100,"learning_rate":0.5,"train_loss":1.4,"train_accuracy":0.5,"test_loss":1.5,"test_accuracy":0.5,"images_per_second":10,"seconds":10}

        """;

    [Fact]
    public void A_new_and_an_old_run_are_compared_on_one_page_and_in_json()
    {
        string old = Folder("old", OldRun, OldEpochs), page = Path.Combine(run.Home, "both.html");
        CliResult result = CliProcess.Run("report", run.Folder, old, "--out", page, "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        JsonElement json = JsonDocument.Parse(result.Lines.Single()).RootElement;
        Assert.Equal("report", json.GetProperty("event").GetString());
        JsonElement[] runs = [.. json.GetProperty("runs").EnumerateArray()];
        Assert.Equal(["run", "old"], runs.Select(r => r.GetProperty("name").GetString()));
        Assert.Equal(2, runs[0].GetProperty("epochs").GetInt32());
        Assert.True(runs[0].GetProperty("peak_resident_bytes").GetInt64() > 1 << 20);
        Assert.Equal(0.625, runs[1].GetProperty("best_test_accuracy").GetDouble());
        Assert.Equal(2, runs[1].GetProperty("best_epoch").GetInt32());
        Assert.Equal(0.5, runs[1].GetProperty("last_test_accuracy").GetDouble());
        Assert.False(runs[1].TryGetProperty("peak_resident_bytes", out _));
        JsonElement settings = json.GetProperty("settings_that_differ");
        Assert.Equal(["0.9", "0.25"], settings.GetProperty("momentum").EnumerateArray().Select(v => v.GetString()));
        Assert.Equal(["lenet5", "lenet"], settings.GetProperty("model").EnumerateArray().Select(v => v.GetString()));
        Assert.False(settings.TryGetProperty("seed", out _), "both have seed 1");

        string html = File.ReadAllText(page);
        foreach (string id in new[] { "results", "curves", "settings", "machine" })
            Assert.Contains($"<section id=\"{id}\">", html);
        Assert.Contains("<tr class=\"differs\"><th>momentum</th><td>0.9</td><td>0.25</td></tr>", html);
        Assert.Contains("<tr><th>seed</th><td>1</td><td>1</td></tr>", html);
        Assert.Contains("Old &amp; Slow &lt;1&gt;", html);
        Assert.Contains("<title>old, epoch 2: 62.50 %</title>", html);
        Assert.Contains("<title>old, seconds 20: 62.50 %</title>", html);
        foreach (string outside in new[] { "<script", "<link", "url(", "@import", "href", "src=" })
            Assert.DoesNotContain(outside, html);
        Assert.Equal(6, html.Split("<svg ").Length - 1);
    }

    [Fact]
    public void A_run_without_a_finished_epoch_has_a_page_that_says_so()
    {
        string folder = Folder("begun", OldRun[..OldRun.IndexOf("\"result\"", StringComparison.Ordinal)] + "\"result\":null}", epochs: null), page = Path.Combine(run.Home, "begun.html");
        CliResult result = CliProcess.Run("report", folder, "--out", page);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("unfinished", result.Output);
        string html = File.ReadAllText(page);
        Assert.Contains("no epoch of this run has ended", html);
        Assert.DoesNotContain("NaN", html);
    }

    [Fact]
    public void What_is_no_run_is_an_error_that_names_it_and_writes_no_page()
    {
        string page = Path.Combine(run.Home, "none.html"), damaged = Folder("damaged", OldRun[..100], null), foreign = Folder("foreign", "{\"a\":1}", null);
        string torn = Folder("torn", OldRun, OldEpochs[..200]);
        Fails(2, "There is no folder", run.Home + "/nowhere");
        Fails(2, "is a file", run.Weights);
        Fails(2, "runs; name those", run.Home);
        Fails(2, "run.json is damaged", damaged);
        Fails(2, "is not that of a training run", foreign);
        Fails(2, "metrics.jsonl, line 2, is damaged", torn);
        Fails(1, "named twice", run.Folder, run.Folder + "/");
        Assert.False(File.Exists(page));
        byte[] weights = File.ReadAllBytes(run.Weights);
        CliResult refused = CliProcess.Run("report", run.Folder, "--out", run.Weights);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("ends in .html", refused.Error);
        Assert.Equal(weights, File.ReadAllBytes(run.Weights));

        void Fails(int code, string message, params string[] folders)
        {
            CliResult result = CliProcess.Run(["report", .. folders, "--out", page]);
            Assert.True(result.ExitCode == code, $"{folders[0]}: {result.ExitCode}, {result.Error}");
            Assert.Contains(message, result.Error + result.Output);
        }
    }

    private string Folder(string name, string record, string? epochs)
    {
        string folder = Path.Combine(run.Home, name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "run.json"), record);
        if (epochs is not null)
            File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), epochs);
        return folder;
    }
}
