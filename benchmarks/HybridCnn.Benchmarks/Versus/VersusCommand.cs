using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using HybridCnn.Benchmarks.Learning;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Benchmarks.Peers;
using HybridCnn.Benchmarks.Startup;
using HybridCnn.Compute;
using HybridCnn.Tensors;
using Spectre.Console;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>`versus`: the options, one contest after another, the report.</summary>
internal static class VersusCommand
{
    private const int WrongResult = 3;
    private const int Interrupted = 130;

    public static Command Create()
    {
        var net = new Option<string>("--net") { Description = "Networks whose training step is timed: lenet,lenet5,vgg-cifar,resnet20,resnet18,resnet50,mobilenetv2." };
        var bridge = new Option<string>("--bridge") { Description = "Networks of --net in TorchSharp whose training step is timed with our modules swapped in, against the original." };
        var infer = new Option<string>("--infer") { Description = "Networks of --net whose prediction is timed, also against ONNX Runtime." };
        var memory = new Option<string>("--memory") { Description = "Networks of --net whose peak of resident memory in a training step is measured, everybody in a process of its own." };
        var startup = new Option<bool>("--startup") { Description = "Whole processes, from their start to the first training step of LeNet: ours with .NET installed and by NativeAOT, TorchSharp's. Measured alone." };
        var native = new Option<FileInfo?>("--native") { Description = "The program of --startup by NativeAOT; published if none is named." };
        var conv = new Option<string>("--conv") { Description = "Convolutions: benchdnn problem strings with commas between, or a file with one a line." };
        var set = new Option<string?>("--set") { Description = "A set of convolutions: table (layer classes of known networks), vgg16, resnet50, alexnet, googlenet, mobilenet, deepbench, convnet-benchmarks." };
        var peers = new Option<string>("--peers") { Description = "Whom convolutions are compared with: torch,torch-cl,onnx; c (libhybridcnn), floor (im2col and SGEMM, plainly) and naive (loops).", DefaultValueFactory = _ => ConvolutionPeer.Usual };
        var limit = new Option<double>("--limit-gflop") { Description = "Leave out convolutions with more operations a pass.", DefaultValueFactory = _ => double.PositiveInfinity };
        var op = new Option<string>("--op") { Description = "Operators that move memory: maxpool,avgpool,batchnorm,relu,bnrelu,add; im2col,layout are ours alone." };
        var shape = new Option<string>("--shape") { Description = "The images of --op, N,C,H,W.", DefaultValueFactory = _ => "32,64,56,56" };
        var layout = new Option<LayoutChoice>("--layout") { Description = "Memory order of ours: the one that a network would use, or one for all.", DefaultValueFactory = _ => LayoutChoice.Auto };
        var precision = new Option<Precision>("--precision") { Description = "How far our convolutions may round.", DefaultValueFactory = _ => Precision.Fast };
        var passes = new Option<string>("--passes") { Description = "Passes of --conv and --set.", DefaultValueFactory = _ => "fwd,bwdd,bwdw" };
        var batch = new Option<int?>("--batch") { Description = "Images per training step (64; of --memory the usual number of each network), per prediction (1 and 32), and of every convolution instead of its own number." };
        var threads = new Option<string>("--threads") { Description = "Numbers of threads, each a run of its own.", DefaultValueFactory = _ => "1,2" };
        var rounds = new Option<int>("--rounds") { Description = "Turns that everybody gets.", DefaultValueFactory = _ => 15 };
        var turn = new Option<double>("--turn-ms") { Description = "Timed milliseconds in a turn.", DefaultValueFactory = _ => 80 };
        var breakdown = new Option<bool>("--breakdown") { Description = "Also print where the time of our own step or prediction goes, by layer and pass." };
        var results = new Option<DirectoryInfo?>("--results") { Description = "Write both, and charts, as DIR/CPU/versus-NAME: net, conv or the set; CPU is this processor's name." };
        var json = new Option<FileInfo?>("--json") { Description = "Write header and rows as JSON." };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Write header and rows as Markdown." };
        var command = new Command("versus", "Times ours and the peers in turns, in one process, after checking that they compute the same.")
        {
            net, bridge, infer, memory, startup, native, conv, set, op, shape, layout, precision, passes, peers, batch, limit, threads, rounds, turn, breakdown, json, markdown, results,
        };
        var training = new TrainingOptions();
        training.AddTo(command);
        command.SetAction(parsed => parsed.GetValue(startup) ? StartupContest.Run(parsed.GetValue(native), Threads(parsed.GetValue(threads)), parsed.GetValue(rounds))
            : training.IsAsked(parsed) ? training.Run(parsed, Threads(parsed.GetValue(threads))[0], parsed.GetValue(batch), parsed.GetValue(json), parsed.GetValue(markdown))
            : Run(new VersusRequest(
            Items(parsed.GetValue(net)), Items(parsed.GetValue(bridge)), Items(parsed.GetValue(infer)), Items(parsed.GetValue(memory)),
            [
                .. ProblemList.ReadSet(parsed.GetValue(set)).Concat(ProblemList.Read(parsed.GetValue(conv)))
                    .Select(problem => parsed.GetValue(batch) is { } images ? problem.WithBatch(images) : problem)
                    .Select(problem => problem with { Dims = parsed.GetValue(layout).Place(problem.Dims) }),
            ],
            Items(parsed.GetValue(op)), new Shape([.. Items(parsed.GetValue(shape)).Select(extent => int.Parse(extent, CultureInfo.InvariantCulture))]), parsed.GetValue(layout),
            parsed.GetValue(set), Items(parsed.GetValue(passes)), ConvolutionPeer.Choose(Items(parsed.GetValue(peers))),
            parsed.GetValue(precision), parsed.GetValue(batch),
            Threads(parsed.GetValue(threads)),
            new TurnPlan(parsed.GetValue(rounds), parsed.GetValue(turn), WarmMilliseconds: 25), parsed.GetValue(breakdown),
            parsed.GetValue(json), parsed.GetValue(markdown), parsed.GetValue(results)).Within(parsed.GetValue(limit))));
        return command;
    }

    private static int Run(VersusRequest request)
    {
        if (request.Networks.Length + request.Bridged.Length + request.Inferred.Length + request.Memories.Length == 0 && request.Convolutions.Count == 0 && request.Operators.Length == 0)
        {
            Console.Error.WriteLine("Nothing to measure: give --net, --bridge, --infer, --memory or --train (lenet,resnet20,...), --startup, --conv (problem strings or a file), --set (table) or --op (maxpool,...).");
            return 1;
        }

        using var cancel = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            cancel.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings());
        if (!console.Profile.Out.IsTerminal)
            console.Profile.Width = 220;
        Header header = Header.Gather(request.Threads, request.Plan.ToString());
        header.Print(console);
        var results = new Results(request, header);
        Contest[] contests = [.. Contests.Of(request, cancel.Token)];
        int done = 0;
        int exitCode = 0;
        try
        {
            foreach (Contest contest in contests)
            {
                console.WriteLine($"{contest.Title} ...");
                try
                {
                    results.Add(contest.Run());
                }
                catch (WrongResultException e)
                {
                    console.MarkupLineInterpolated($"[red]{contest.Title}: {e.Message}[/]");
                    results.LeaveOut(contest.Title, e.Message);
                    exitCode = WrongResult;
                }

                done++;
                results.Save(contests[done..]);
            }

            foreach (int threads in request.Breakdown ? request.Threads : [])
            {
                foreach (string network in request.Networks)
                    Breakdown.Print(network, request.StepBatch, threads, console, cancel.Token);
                foreach (string network in request.Inferred)
                {
                    foreach (int batch in request.InferredBatches)
                        Breakdown.PrintPrediction(network, batch, threads, console, cancel.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            console.WriteLine("Stopped; these rows were complete:");
            exitCode = Interrupted;
        }

        results.Report(contests[done..]).Print(console);
        return exitCode;
    }

    private static int[] Threads(string? list) => [.. Items(list).Select(threads => int.Parse(threads, CultureInfo.InvariantCulture))];

    /// <summary>What stands between commas.</summary>
    internal static string[] Items(string? list) =>
        (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
