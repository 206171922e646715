using System.Diagnostics;
using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>Where a training step spends its time: medians over many steps, in milliseconds.</summary>
/// <param name="Layers">In the order in which they run.</param>
/// <param name="Loss">The loss and its gradient.</param>
/// <param name="Optimizer">Clearing gradients, and the update.</param>
/// <param name="Step">The whole step.</param>
/// <param name="Steps">How many were measured.</param>
public sealed record StepProfile(IReadOnlyList<LayerTimes> Layers, double Loss, double Optimizer, double Step, int Steps)
{
    /// <summary>What the medians of the parts leave of the step's.</summary>
    public double Rest => Step - Loss - Optimizer - Layers.Sum(layer => layer.Total);

    /// <summary>Trains on one batch, again and again, and takes the time.</summary>
    /// <param name="network">Maps the images to what the loss takes; bound to their shape here.</param>
    /// <param name="loss">What to minimize.</param>
    /// <param name="optimizer">Holds the network's parameters, which it changes.</param>
    /// <param name="context">Threads and scratch memory.</param>
    /// <param name="images">[N, C, H, W].</param>
    /// <param name="labels">N classes.</param>
    /// <param name="steps">How many steps to measure, at least 1.</param>
    /// <param name="warmSteps">How many steps to make first: the runtime compiles what is often called, and memory is touched for the first time.</param>
    /// <param name="cancellation">Looked at after every step.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static StepProfile Measure(
        Network network, Loss loss, Optimizer optimizer, ComputeContext context, Tensor images, ReadOnlySpan<int> labels, int steps, int warmSteps = 5,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(warmSteps, 0);
        Tensor output = new(network.Bind(images.Shape)), gradient = new(output.Shape);
        var timer = new NetworkTimer();
        var times = new double[3][];
        for (int i = 0; i < times.Length; i++)
            times[i] = new double[steps];
        NetworkTimer? before = network.Timer;
        network.Timer = timer;
        try
        {
            for (int step = -warmSteps; step < steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (step == 0)
                    timer.Clear();
                long start = Stopwatch.GetTimestamp();
                network.Forward(images, output, context);
                long forward = Stopwatch.GetTimestamp();
                loss.Forward(output, labels, gradient);
                long lossDone = Stopwatch.GetTimestamp();
                optimizer.ZeroGradients();
                long cleared = Stopwatch.GetTimestamp();
                network.Backward(images, output, gradient, null, context);
                long backward = Stopwatch.GetTimestamp();
                optimizer.Step(context);
                long end = Stopwatch.GetTimestamp();
                if (step < 0)
                    continue;
                times[0][step] = Milliseconds(forward, lossDone);
                times[1][step] = Milliseconds(lossDone, cleared) + Milliseconds(backward, end);
                times[2][step] = Milliseconds(start, end);
            }
        }
        finally
        {
            network.Timer = before;
        }

        return new StepProfile(timer.Layers, LayerTimes.Median(times[0]), LayerTimes.Median(times[1]), LayerTimes.Median(times[2]), steps);

        static double Milliseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalMilliseconds;
    }
}
