using System.CommandLine;
using System.Globalization;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using Spectre.Console;
using Layout = HybridCnn.Tensors.Layout;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>`versus`: the options, one contest after another, the report.</summary>
internal static class VersusCommand
{
    private const int WrongResult = 3;
    private const int Interrupted = 130;

    public static Command Create()
    {
        var net = new Option<string>("--net") { Description = "Networks whose training step is timed: lenet,lenet5." };
        var conv = new Option<string>("--conv") { Description = "Convolutions: benchdnn problem strings with commas between, or a file with one a line." };
        var set = new Option<string?>("--set") { Description = "A set of convolutions: table (layer classes of known networks)." };
        var op = new Option<string>("--op") { Description = "Operators that move memory: maxpool,avgpool,batchnorm,relu,bnrelu,add; im2col,layout are ours alone." };
        var shape = new Option<string>("--shape") { Description = "The images of --op, N,C,H,W.", DefaultValueFactory = _ => "32,64,56,56" };
        var layout = new Option<LayoutChoice>("--layout") { Description = "Memory order of ours: the one that a network would use, or one for all.", DefaultValueFactory = _ => LayoutChoice.Auto };
        var precision = new Option<Precision>("--precision") { Description = "How far our convolutions may round.", DefaultValueFactory = _ => Precision.Fast };
        var passes = new Option<string>("--passes") { Description = "Passes of --conv and --set.", DefaultValueFactory = _ => "fwd,bwdd,bwdw" };
        var batch = new Option<int>("--batch") { Description = "Images per training step.", DefaultValueFactory = _ => 64 };
        var threads = new Option<string>("--threads") { Description = "Numbers of threads, each a run of its own.", DefaultValueFactory = _ => "1,2" };
        var rounds = new Option<int>("--rounds") { Description = "Turns that everybody gets.", DefaultValueFactory = _ => 15 };
        var turn = new Option<double>("--turn-ms") { Description = "Timed milliseconds in a turn.", DefaultValueFactory = _ => 80 };
        var breakdown = new Option<bool>("--breakdown") { Description = "Also print where our own step's time goes, by layer and pass." };
        var results = new Option<DirectoryInfo?>("--results") { Description = "Write both, and charts, as DIR/CPU/versus-NAME: net, conv or the set; CPU is this processor's name." };
        var json = new Option<FileInfo?>("--json") { Description = "Write header and rows as JSON." };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Write header and rows as Markdown." };
        var command = new Command("versus", "Times ours and the peers in turns, in one process, after checking that they compute the same.")
        {
            net, conv, set, op, shape, layout, precision, passes, batch, threads, rounds, turn, breakdown, json, markdown, results,
        };
        command.SetAction(parsed => Run(new VersusRequest(
            Items(parsed.GetValue(net)),
            [
                .. ProblemList.ReadSet(parsed.GetValue(set)).Concat(ProblemList.Read(parsed.GetValue(conv)))
                    .Select(problem => problem with { Dims = parsed.GetValue(layout).Place(problem.Dims) }),
            ],
            Items(parsed.GetValue(op)), new Shape([.. Items(parsed.GetValue(shape)).Select(extent => int.Parse(extent, CultureInfo.InvariantCulture))]), parsed.GetValue(layout),
            parsed.GetValue(set), Items(parsed.GetValue(passes)), parsed.GetValue(precision), parsed.GetValue(batch),
            [.. Items(parsed.GetValue(threads)).Select(t => int.Parse(t, CultureInfo.InvariantCulture))],
            new TurnPlan(parsed.GetValue(rounds), parsed.GetValue(turn), WarmMilliseconds: 25), parsed.GetValue(breakdown),
            parsed.GetValue(json), parsed.GetValue(markdown), parsed.GetValue(results))));
        return command;
    }

    private static int Run(VersusRequest request)
    {
        if (request.Networks.Length == 0 && request.Convolutions.Count == 0 && request.Operators.Length == 0)
        {
            Console.Error.WriteLine("Nothing to measure: give --net (lenet,lenet5), --conv (problem strings or a file), --set (table) or --op (maxpool,...).");
            return 1;
        }

        using var cancel = new CancellationTokenSource();
        ConsoleCancelEventHandler stop = (_, e) =>
        {
            e.Cancel = true;
            cancel.Cancel();
        };
        Console.CancelKeyPress += stop;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings());
        if (!console.Profile.Out.IsTerminal)
            console.Profile.Width = 220;
        Header header = Header.Gather(request.Threads, request.Plan.ToString());
        header.Print(console);
        var rows = new List<Row>();
        int exitCode = 0;
        try
        {
            foreach ((string title, Func<IEnumerable<Row>> contest) in Contests(request, cancel.Token))
            {
                console.WriteLine(title);
                try
                {
                    rows.AddRange(contest());
                }
                catch (WrongResultException e)
                {
                    console.MarkupLineInterpolated($"[red]{title}: {e.Message}[/]");
                    exitCode = WrongResult;
                }
            }

            foreach (int threads in request.Breakdown ? request.Threads : [])
            {
                foreach (string network in request.Networks)
                    Breakdown.Print(network, request.Batch, threads, console, cancel.Token);
            }
        }
        catch (OperationCanceledException)
        {
            console.WriteLine("Stopped; these rows were complete:");
            exitCode = Interrupted;
        }
        finally
        {
            Console.CancelKeyPress -= stop;
        }

        List<string> order = [.. request.Convolutions.Select(problem => problem.Dims.ToString())];
        var report = new Report(header, [.. rows.OrderBy(row => order.IndexOf(row.Problem)).ThenBy(row => row.Flops is null ? 0 : row.Threads)]);
        report.Print(console);
        report.Save(request.Json, request.Markdown);
        if (request.Results is { } results && exitCode != Interrupted)
            report.SaveAll(Path.Combine(results.FullName, Cpu.Folder, request.Title));

        return exitCode;
    }

    private static IEnumerable<(string Title, Func<IEnumerable<Row>> Contest)> Contests(VersusRequest request, CancellationToken cancel)
    {
        foreach (int threads in request.Threads)
        {
            foreach (string network in request.Networks)
                yield return ($"{network}, {threads} thread(s) ...", () => NetContest.Run(network, request.Batch, threads, request.Plan, cancel));
        }

        foreach (string op in request.Operators)
        {
            if (op == "im2col")
                yield return ("im2col ...", () => CopyContest.Im2Col(request.Plan, cancel));
            else if (op == "layout")
                yield return ("layout ...", () => CopyContest.Layout(request.Plan, cancel));
            else
            {
                foreach (OpProblem problem in OpProblem.Of(op, request.OperatorShape))
                    yield return ($"{problem} ...", () => new OpContest(problem, request.Layout.Orders(problem)).Run(request.Threads, request.Plan, cancel));
            }
        }

        // Small ones first: by the time that the large ones come, whose steps are few, all code has been compiled for good.
        var steady = new HashSet<(ConvolutionAlgorithm, Layout, string)>();
        foreach (Problem problem in request.Convolutions.OrderBy(problem => problem.Dims.Flops))
        {
            foreach (string pass in request.Passes)
                yield return ($"{problem.Name} {problem.Dims} {pass} ...", () => new ConvContest(problem, pass, request.Precision, steady).Run(request.Threads, request.Plan, cancel));
        }
    }

    private static string[] Items(string? list) =>
        (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
