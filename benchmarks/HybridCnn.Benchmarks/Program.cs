using System.CommandLine;
using System.Globalization;
using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Benchmarks.Startup;
using HybridCnn.Benchmarks.Versus;

// The programs that `versus --startup` times do nothing else.
if (args is [FirstStep.Verb, var who, var threads])
{
    int count = int.Parse(threads, CultureInfo.InvariantCulture);
    if (who == "ours")
        FirstStep.Run(count);
    else
        TorchFirstStep.Run(count);
    return 0;
}

var root = new RootCommand("Measures HybridCnn: side by side with its peers (versus), and kernel by kernel (bdn).")
{
    VersusCommand.Create(),
    PeakMemoryCommand.Create(),
    BdnCommand.Create(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is FormatException or ArgumentException)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return 1;
}
