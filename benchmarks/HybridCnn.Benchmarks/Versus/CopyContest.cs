using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Kernels that only move data, against a plain copy of as many bytes: no peer has them by themselves.</summary>
internal static class CopyContest
{
    // Layers that differ in how long rows and how many channels are; one with a stride, one with a wide kernel, one with few channels.
    private static readonly string[] Layers = ["vgg1.2", "vgg3.2", "stem", "res2.3x3", "res3.3x3", "res3.3x3s2", "res5.3x3", "cifar2", "lenet.2"];

    /// <summary>The extents of one image each: as between the layers of networks, and where planes lie a power of two apart.</summary>
    private static readonly Shape[] Images = [new(1, 64, 224, 224), new(1, 64, 112, 112), new(1, 64, 56, 56), new(1, 256, 56, 56), new(1, 512, 14, 14), new(1, 64, 64, 64), new(1, 3, 224, 224)];

    /// <summary>Every thread lowers an image to its matrix of patches, as a whole and in the convolutions' pieces, against a copy to the same place.</summary>
    public static IEnumerable<Row> Im2Col(IReadOnlyList<int> threads, TurnPlan plan, CancellationToken cancel)
    {
        foreach (Problem problem in ProblemList.ReadSet("table").Where(problem => Layers.Contains(problem.Name)))
        {
            foreach (int count in threads)
            {
                using var workers = new WorkerPool(count);
                foreach (bool pieces in (bool[])[false, true])
                {
                    var lowering = new Lowering(problem.Dims, workers, pieces);
                    Timing[] timings = Turns.Run(
                        [
                            new("NCHW", lowering.Nchw), new("copy", lowering.CopyNchw), new("NHWC", lowering.Nhwc), new("copy NHWC", lowering.CopyNhwc),
                        ],
                        plan, cancel);
                    string suffix = pieces ? ", pieces" : "";
                    yield return Lowered(problem, count, "NCHW" + suffix, timings[0], timings[1], lowering);
                    yield return Lowered(problem, count, "NHWC" + suffix, timings[2], timings[3], lowering);
                }
            }
        }
    }

    /// <summary>One image from one memory order to the other.</summary>
    public static IEnumerable<Row> Layout(TurnPlan plan, CancellationToken cancel)
    {
        foreach (Shape image in Images)
        {
            int channels = image[1], area = image[2] * image[3];
            var from = ConvData.Filled(new SeededRandom(1), image);
            var to = new Tensor(image);
            Timing[] timings = Turns.Run(
                [
                    new("to NHWC", () => LayoutTransform.ToNhwc(channels, area, from.Span, to.Span)),
                    new("to NCHW", () => LayoutTransform.ToNchw(channels, area, from.Span, to.Span)),
                ],
                plan, cancel);
            yield return Line(image.ToString(), "layout", "to NHWC", timings[0], 2.0 * sizeof(float) * image.Count);
            yield return Line(image.ToString(), "layout", "to NCHW", timings[1], 2.0 * sizeof(float) * image.Count);
        }
    }

    private static Row Lowered(Problem problem, int threads, string algorithm, Timing ours, Timing copy, Lowering lowering)
    {
        double bytes = lowering.Bytes / lowering.Repeats;
        return new(problem.Dims.ToString(), "im2col", threads, threads, algorithm, ours.Median / lowering.Repeats, "copy", copy.Median / lowering.Repeats, null)
        {
            Name = problem.Name, OursBestMs = ours.Best / lowering.Repeats, PeerBestMs = copy.Best / lowering.Repeats, IsFloor = true,
            Bytes = bytes, CopyRate = lowering.Bytes / copy.Median * 1e-6,
        };
    }

    private static Row Line(string problem, string pass, string algorithm, Timing timing, double bytes) =>
        new(problem, pass, 1, 1, algorithm, timing.Median, "", null, null)
        {
            OursBestMs = timing.Best, Bytes = bytes, CopyRate = Peak.CopyGigabytes(bytes, threads: 1),
        };
}
