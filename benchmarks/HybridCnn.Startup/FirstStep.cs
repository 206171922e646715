using HybridCnn.Compute;
using HybridCnn.Interop;
using HybridCnn.Layers;
using HybridCnn.Models;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Benchmarks.Startup;

/// <summary>One training step of LeNet and nothing else: the life of the programs that `versus --startup` starts.</summary>
internal static class FirstStep
{
    /// <summary>What makes the benchmark program one of them.</summary>
    public const string Verb = "first-step";

    public const int Batch = 64, Classes = 10, Side = 28;
    public const float LearningRate = 0.02f, Momentum = 0.9f;

    /// <summary>Any pixels: the same for everybody, without a generator.</summary>
    public static void Fill(Span<float> pixels)
    {
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = i * 7919 % 1000 * 1e-3f;
    }

    public static int LabelOf(int image) => image % Classes;

    /// <summary>Ours. Says so when the step is done, and only then what it took.</summary>
    public static void Run(int threads)
    {
        using var context = new ComputeContext(threads);
        Network network = ModelCatalog.Create("lenet", 1, Side, Side, Classes, seed: 1);
        var images = new Tensor(new Shape(Batch, 1, Side, Side));
        Fill(images.Span);
        int[] labels = new int[Batch];
        for (int i = 0; i < Batch; i++)
            labels[i] = LabelOf(i);
        var trainer = new Trainer(network, new SoftmaxCrossEntropy(), new Sgd(network.Parameters, LearningRate, Momentum), context, images.Shape);
        float loss = trainer.Step(images, labels).Loss;
        Say(loss, Blas.Current.ToString());
    }

    /// <summary>The line that the clock is stopped by, and one with the process's peak of resident memory.</summary>
    public static void Say(float loss, string with)
    {
        Console.Out.WriteLine($"step {loss}");
        Console.Out.Flush();
        Console.Out.WriteLine($"peak {PeakKilobytes()}");
        Console.Out.WriteLine($"with {with}");
    }

    // The process's own peak by now, as the system counts it.
    private static long PeakKilobytes()
    {
        const string status = "/proc/self/status", field = "VmHWM:";
        if (!File.Exists(status))
            return Environment.WorkingSet / 1024;
        string line = File.ReadLines(status).First(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(field.Length).Trim().ToString().Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
