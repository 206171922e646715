using Spectre.Console;

namespace HybridCnn.Cli.Display;

/// <summary>Shows a download: a moving bar on a terminal, a line at its end elsewhere, of JSON if asked for.</summary>
internal static class DownloadDisplay
{
    /// <summary>Runs a download with its progress shown.</summary>
    /// <param name="name">The file.</param>
    /// <param name="json">Whether to print JSON and nothing else.</param>
    /// <param name="download">Gets what to call with the bytes so far, and in all if known.</param>
    public static void Run(string name, bool json, Action<Action<long, long?>> download)
    {
        long bytes = 0;
        bool moving = !json && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));
        if (moving)
        {
            AnsiConsole.Progress().AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
                .Start(context =>
                {
                    ProgressTask task = context.AddTask(Markup.Escape(name));
                    task.IsIndeterminate = true;
                    download((done, total) =>
                    {
                        bytes = done;
                        task.IsIndeterminate = total is null;
                        task.MaxValue = total ?? Math.Max(done, 1);
                        task.Value = done;
                    });
                });
        }
        else
        {
            download((done, _) => bytes = done);
        }

        if (json)
            WriteJson(name, "downloaded", bytes);
        else
            Console.Out.WriteLine($"{name}: {bytes:#,0} bytes, SHA-256 as it should be");
    }

    /// <summary>One line about a file whose SHA-256 is right.</summary>
    /// <param name="name">The file.</param>
    /// <param name="state">"downloaded" or "there".</param>
    /// <param name="bytes">Its length.</param>
    public static void WriteJson(string name, string state, long bytes) => JsonLines.Write(Console.Out, line =>
    {
        line.WriteString("event", "file");
        line.WriteString("name", name);
        line.WriteString("state", state);
        line.WriteNumber("bytes", bytes);
    });
}
