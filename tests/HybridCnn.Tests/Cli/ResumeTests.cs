using System.Globalization;
using System.Text.Json;
using HybridCnn.Training;

namespace HybridCnn.Tests.Cli;

/// <summary>A training that was broken off, in any way, ends as if it had not been.</summary>
public class ResumeTests(CheckpointedRun run) : IClassFixture<CheckpointedRun>
{
    // In the middle of an epoch, and behind one.
    [Theory]
    [InlineData(7)]
    [InlineData(10)]
    public void Half_a_training_and_the_other_half_are_the_whole_bit_for_bit(int half)
    {
        string folder = Path.Combine(run.Home, $"half-{half}");
        CliResult result = Train("--resume", run.Checkpoint(half), "--out", folder, "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        run.AssertSame(folder);
        JsonElement resume = Assert.Single(JsonDocument.Parse(result.Lines[0]).RootElement.GetProperty("resumes").EnumerateArray());
        Assert.Equal(half, resume.GetProperty("step").GetInt64());
        Assert.Equal(run.Checkpoint(half), resume.GetProperty("from").GetString());
        Assert.Equal(640, JsonDocument.Parse(result.Lines[^1]).RootElement.GetProperty("result").GetProperty("images_trained").GetInt64());
        // The curve too is whole: a point for each of the 20 steps.
        Assert.Equal(20, JsonDocument.Parse(Checkpoint.Describe(Path.Combine(folder, "checkpoints", "best.safetensors")).Notes["progress"]).RootElement.GetProperty("curve").GetArrayLength());
    }

    [Fact]
    public void Killed_again_and_again_also_while_it_saves_it_ends_as_without_a_break()
    {
        string folder = Path.Combine(run.Home, "killed"), checkpoints = Path.Combine(folder, "checkpoints");
        string[] command = ["train", .. CheckpointedRun.Settings, "--resume", "auto", "--out", folder, "--checkpoint-every", "1"];
        int savesCut = 0;
        // Before there is a checkpoint; while the first is written; and while later ones are.
        Func<bool>[] moments = [() => File.Exists(Path.Combine(folder, "run.json")), () => Saving(1), () => Saving(6), () => Saving(11)];
        foreach (Func<bool> moment in moments)
        {
            Assert.True(CliProcess.Kill(moment, command), "The training had ended before it was killed.");
            savesCut += Directory.Exists(checkpoints) && Directory.GetFiles(checkpoints, "*.tmp").Length > 0 ? 1 : 0;
        }

        Assert.True(savesCut > 0, "None of the kills fell into a save.");
        CliResult last = CliProcess.Run(command);
        Assert.True(last.ExitCode == 0, last.Error);
        run.AssertSame(folder);
        Assert.Empty(Directory.GetFiles(folder, "*.tmp", SearchOption.AllDirectories));
        // One less where the first save was cut: then the run began once more.
        Assert.InRange(JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json"))).RootElement.GetProperty("resumes").GetArrayLength(), 2, 3);

        // A save takes milliseconds, and this process may sleep through one: any later one will do.
        bool Saving(int first) => Directory.Exists(checkpoints)
            && Directory.EnumerateFiles(checkpoints, "step-*.tmp").Any(file => int.Parse(Path.GetFileName(file).AsSpan(5, 8), CultureInfo.InvariantCulture) >= first);
    }

    [Fact]
    public void A_signal_saves_a_checkpoint_and_says_how_to_go_on()
    {
        if (OperatingSystem.IsWindows())
            return;
        string folder = Path.Combine(run.Home, "signal");
        CliResult broken = CliProcess.Interrupt("TERM", "train loss", ["train", .. CheckpointedRun.Settings, "--out", folder, "--checkpoint-every", "10000"]);
        Assert.Equal(4, broken.ExitCode);
        Assert.Contains($"--resume {folder}", broken.Output);
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "checkpoints"), "step-*"));
        // The settings are those of the run.
        CliResult result = CliProcess.Run("train", "--resume", folder);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("resumed", result.Output);
        run.AssertSame(folder);
        Assert.False(File.Exists(Path.Combine(folder, "run.lock")));
    }

    [Fact]
    public void A_run_without_a_checkpoint_begins_anew_with_its_own_settings()
    {
        string folder = run.CopyUpTo(0, "none-yet");
        CliResult result = CliProcess.Run("train", "--resume", "auto", "--out", folder, "--ema", "0.5");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("the run begins anew", result.Error);
        JsonElement settings = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json"))).RootElement.GetProperty("settings");
        Assert.Equal("lenet5", settings.GetProperty("model").GetString());
        Assert.Equal("crop=2,mixup=0.2", settings.GetProperty("loading").GetProperty("augment").GetString());
        Assert.Equal(0.5, settings.GetProperty("recipe").GetProperty("average").GetDouble());
    }

    [Fact]
    public void A_folder_in_which_another_process_trains_is_refused_and_free_when_that_ends()
    {
        string folder = run.CopyUpTo(13, "taken");
        // What a process that was killed leaves: the file without its lock.
        string taken = Path.Combine(folder, "run.lock");
        using (new FileStream(taken, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            CliResult refused = CliProcess.Run("train", "--resume", folder);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains($"{folder}: another process trains there", refused.Error);
        }

        Assert.True(File.Exists(taken));
        CliResult result = CliProcess.Run("train", "--resume", folder, "--lr", "0.5");
        Assert.Contains("--lr was 0.001 and is 0.5", result.Error);
        Assert.False(File.Exists(taken));
    }

    [Fact]
    public void A_damaged_checkpoint_is_left_out_with_a_note_and_the_one_before_it_serves()
    {
        string folder = run.CopyUpTo(13, "damaged"), last = Path.Combine(folder, "checkpoints", Path.GetFileName(run.Checkpoint(13)));
        byte[] content = File.ReadAllBytes(last);
        content[^1000] ^= 16;
        File.WriteAllBytes(last, content);
        string leftover = last + ".abc.tmp";
        File.WriteAllText(leftover, "half a checkpoint");
        CliResult result = Train("--resume", "auto", "--out", folder, "--checkpoint-every", "epoch", "--keep-checkpoints", "2");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"note: a checkpoint is left out, and gets a name that ends in .damaged. {last}", result.Error);
        Assert.Contains("after step 12", result.Output);
        run.AssertSame(folder);
        Assert.Equal(
            ["best.safetensors", "step-00000012.safetensors", "step-00000013.safetensors.damaged", "step-00000020.safetensors"],
            Directory.GetFiles(Path.Combine(folder, "checkpoints")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Where_no_checkpoint_can_be_read_nothing_is_begun()
    {
        string folder = run.CopyUpTo(2, "all-damaged");
        foreach (string file in Directory.GetFiles(Path.Combine(folder, "checkpoints")))
            File.WriteAllBytes(file, [1, 2, 3]);
        CliResult result = Train("--resume", "auto", "--out", folder);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("None of the 2 checkpoints", result.Error);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(folder, "checkpoints"), "*.safetensors").Length);
    }

    // A limit for files that a checkpoint is above and no other file: the system then refuses the write as it does on a full disk.
    [Fact]
    public void Where_a_checkpoint_cannot_be_written_the_old_ones_are_whole_and_the_run_goes_on_from_there()
    {
        if (OperatingSystem.IsWindows())
            return;
        string folder = run.CopyUpTo(7, "full"), old = Path.Combine(folder, "checkpoints", Path.GetFileName(run.Checkpoint(7)));
        string[] command = ["train", .. CheckpointedRun.Settings, "--resume", "auto", "--out", folder];
        CliResult full = CliProcess.RunWithFilesUpTo(500_000, command);
        Assert.True(full.ExitCode == 2, full.Error);
        Assert.Contains($"error: Can't write {Path.Combine(folder, "checkpoints")}", full.Error);
        Assert.Contains($"{old} is whole, and --resume goes on from there", full.Error);
        Assert.Equal(7, Directory.GetFiles(Path.Combine(folder, "checkpoints")).Length);
        Assert.Equal(File.ReadAllBytes(run.Checkpoint(7)), File.ReadAllBytes(old));
        CliResult result = CliProcess.Run(command);
        Assert.True(result.ExitCode == 0, result.Error);
        run.AssertSame(folder);
    }

    [Fact]
    public void A_folder_that_takes_no_checkpoints_is_an_error_before_the_first_step()
    {
        string folder = run.CopyUpTo(0, "in-the-way"), inTheWay = Path.Combine(folder, "checkpoints");
        Directory.Delete(inTheWay);
        File.WriteAllText(inTheWay, "");
        CliResult result = Train("--resume", "auto", "--out", folder);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"The folder for checkpoints {inTheWay} cannot be made", result.Error);
        Assert.DoesNotContain("train loss", result.Output);
    }

    [Fact]
    public void Another_setting_is_refused_by_its_name_with_both_values()
    {
        string folder = Path.Combine(run.Home, "refused");
        CliResult result = Train("--resume", run.Checkpoint(7), "--out", folder, "--lr", "0.5", "--clip-norm", "1", "--batch", "16");
        Assert.Equal(1, result.ExitCode);
        foreach (string part in new[] { "--lr was 0.001 and is 0.5", "--clip-norm was not set and is 1", "--batch was 32 and is 16" })
            Assert.Contains(part, result.Error);
        Assert.False(Directory.Exists(folder));
        CliResult data = Train("--resume", run.Checkpoint(7), "--out", folder, "--limit", "64");
        Assert.Contains("the data's train images was 320 and is 64", data.Error);
    }

    [Fact]
    public void Where_the_run_goes_on_must_be_said_and_be_there()
    {
        Refused(1, "Name its folder with --out", "--resume", "auto");
        Refused(2, "no such folder", "--resume", Path.Combine(run.Home, "nowhere"));
        Refused(1, "goes on in its own folder", "--resume", run.Folder, "--out", Path.Combine(run.Home, "other"));
        Refused(2, "is no checkpoint", "--resume", Path.Combine(run.Folder, "weights.safetensors"));
        Refused(1, "--checkpoint-every 0", "--checkpoint-every", "0");

        void Refused(int code, string message, params string[] arguments)
        {
            CliResult result = Train(arguments);
            Assert.True(result.ExitCode == code, result.Error);
            Assert.Contains(message, result.Error);
        }
    }

    private static CliResult Train(params string[] arguments) => CliProcess.Run(["train", .. Once(CheckpointedRun.Settings, arguments), .. arguments]);

    // An option may be there only once: those of the test replace the fixture's.
    private static IEnumerable<string> Once(string[] settings, string[] arguments) =>
        settings.Chunk(2).Where(pair => !arguments.Contains(pair[0])).SelectMany(pair => pair);
}
