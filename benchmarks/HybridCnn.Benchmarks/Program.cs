using System.CommandLine;
using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Benchmarks.Versus;

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
