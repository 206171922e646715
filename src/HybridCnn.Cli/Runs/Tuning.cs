using System.Diagnostics;
using HybridCnn.Compute;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Cli.Runs;

/// <summary>
/// <c>train --tune</c>: measures before the first step which algorithms are the fastest. Says on standard error how far it is: standard output
/// may be for programs.
/// </summary>
internal static class Tuning
{
    /// <param name="network">Is bound to the batch.</param>
    /// <param name="batch">[N, C, H, W].</param>
    /// <param name="context">Threads and options that the network will train with.</param>
    /// <param name="file">The cache; null for the user's.</param>
    public static void Run(Network network, Shape batch, ComputeContext context, string? file)
    {
        string path = file ?? TuningFile.DefaultPath;
        TuningCache cache = TuningFile.Load(path);
        Console.Error.WriteLine($"tuning: the fastest algorithm of every convolution; {path} has {cache.Count} measured passes");
        var clock = Stopwatch.StartNew();
        network.Bind(batch);
        network.Tune(context, cache, plan => Console.Error.WriteLine(
            $"tuning: {clock.Elapsed.TotalSeconds:0.0} s, {plan.Dims}: {string.Join(", ", Enum.GetValues<ConvolutionPass>().Select(pass => $"{pass} {plan.Algorithm(pass)}"))}"));
        try
        {
            TuningFile.Save(path, cache);
        }
        catch (IOException e)
        {
            // What was measured serves this run all the same.
            Console.Error.WriteLine($"warning: the next run must measure again. {e.Message}");
        }
    }
}
