using HybridCnn.Benchmarks.Bdn;
using HybridCnn.Benchmarks.Machine;
using HybridCnn.Kernels;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Versus;

/// <summary>Kernels that only move data, on one thread, against a plain copy of as many bytes: no peer has them by themselves.</summary>
internal static class CopyContest
{
    // Layers that differ in how long rows and how many channels are; one with a stride, one with a wide kernel, one with few channels.
    private static readonly string[] Layers = ["vgg1.2", "vgg3.2", "stem", "res2.3x3", "res3.3x3", "res3.3x3s2", "res5.3x3", "cifar2", "lenet.2"];

    /// <summary>The extents of one image each: as between the layers of networks, and where planes lie a power of two apart.</summary>
    private static readonly Shape[] Images = [new(1, 64, 224, 224), new(1, 64, 112, 112), new(1, 64, 56, 56), new(1, 256, 56, 56), new(1, 512, 14, 14), new(1, 64, 64, 64), new(1, 3, 224, 224)];

    /// <summary>Lowering one image to its matrix of patches.</summary>
    public static IEnumerable<Row> Im2Col(TurnPlan plan, CancellationToken cancel)
    {
        foreach (Problem problem in ProblemList.ReadSet("table").Where(problem => Layers.Contains(problem.Name)))
        {
            Conv2dDims planes = LayoutChoice.Nchw.Place(problem.Dims), pixels = LayoutChoice.Nhwc.Place(problem.Dims);
            var x = ConvData.Filled(new SeededRandom(1), new Shape(planes.IC, planes.IH, planes.IW));
            var columns = new Tensor(new Shape(planes.IC * planes.KH * planes.KW, planes.OH * planes.OW));
            Timing[] timings = Turns.Run(
                [
                    new("NCHW", () => Kernels.Im2Col.Run(planes, x.Span, planes.IC, 0, planes.OH, columns.Span)),
                    new("NHWC", () => Im2ColNhwc.Run(pixels, x.Span, 0, pixels.OH * pixels.OW, 0, pixels.IC, columns.Span)),
                ],
                plan, cancel);
            double bytes = new LoweringProblem(planes).Amount;
            yield return Line(planes.ToString(), "im2col", "NCHW", timings[0], bytes) with { Name = problem.Name };
            yield return Line(planes.ToString(), "im2col", "NHWC", timings[1], bytes) with { Name = problem.Name };
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

    private static Row Line(string problem, string pass, string algorithm, Timing timing, double bytes) =>
        new(problem, pass, 1, 1, algorithm, timing.Median, "", null, null)
        {
            OursBestMs = timing.Best, Bytes = bytes, CopyRate = Peak.CopyGigabytes(bytes, threads: 1),
        };
}
