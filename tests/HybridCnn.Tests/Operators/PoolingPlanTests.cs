using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Reference;
using HybridCnn.Tests.Support;
using Xunit.Abstractions;

namespace HybridCnn.Tests.Operators;

/// <summary>The pooling plans as another library uses them: whole batches, spans of its own, many threads. NHWC against the reference: <see cref="PoolNhwcTests"/>.</summary>
public class PoolingPlanTests(ITestOutputHelper output)
{
    private const int Callers = 8, RunsPerCaller = 200;

    [Fact]
    public void Batches_agree_with_the_reference_flush_against_guard_pages() => Fuzz.Run(output, 60, Fuzz.Pooling, (dims, random) =>
    {
        using var context = new ComputeContext(1 + random.NextInt(3));
        GuardSide side = random.NextInt(2) == 0 ? GuardSide.End : GuardSide.Start;
        using var x = new GuardedBuffer(random.Floats(dims.Input.Count), side);
        using var dy = new GuardedBuffer(random.Floats(dims.Output.Count), side);
        using GuardedBuffer y = new(dy.Length, side), dx = new(x.Length, side), guarded = new(dy.Length, side);
        var naive = new NaivePooling(dims);
        var max = new MaxPoolingPlan(dims);
        Span<int> indices = MemoryMarshal.Cast<float, int>(guarded.Span);
        Assert.Equal(indices.Length, max.IndexLength);
        (double[] maxima, int[] argmax) = naive.Max(x.Span);
        max.Forward(x.Span, y.Span, indices, context);
        max.Backward(dy.Span, indices, dx.Span, context);
        Assert.Equal(maxima.Select(v => (float)v), y.Span.ToArray());
        Assert.Equal(argmax, indices.ToArray());
        Tolerance.AssertClose(naive.MaxBackward(dy.Span.ToArray(), argmax), dx.Span, 1e-5, $"{dims} max dx");

        bool pad = random.NextInt(2) == 0;
        int? divisor = random.NextInt(4) == 0 ? 3 : null;
        y.Span.Fill(float.NaN);
        dx.Span.Fill(float.NaN);
        var average = new AveragePoolingPlan(dims, pad, divisor);
        average.Forward(x.Span, y.Span, context);
        average.Backward(dy.Span, dx.Span, context);
        Tolerance.AssertClose(naive.Average(x.Span, pad, divisor ?? 0), y.Span, 1e-4, $"{dims} average y");
        Tolerance.AssertClose(naive.AverageBackward(dy.Span.ToArray(), pad, divisor ?? 0), dx.Span, 1e-4, $"{dims} average dx");
    });

    [Fact]
    public void Plans_that_eight_threads_share_have_the_bits_of_a_single_caller()
    {
        Job[] jobs =
        [
            .. new[] { Layout.Nchw, Layout.Nhwc }.SelectMany(layout => new[]
            {
                // Large enough for several threads, and too small.
                new Job(Pool2dDims.Create(3, 20, 40, 40, 3, 3, 2, 2, 1, 1, 1, 1, layout: layout)),
                new Job(Pool2dDims.Create(2, 5, 9, 8, 2, 2, 2, 2, layout: layout)),
            }),
        ];
        using (var single = new ComputeContext(1))
            Assert.All(jobs, job => job.Expect(single));
        using var shared = new ComputeContext(2);
        Parallel.For(0, Callers, new ParallelOptions { MaxDegreeOfParallelism = Callers }, caller =>
        {
            using ComputeContext? own = caller % 2 == 0 ? null : new(2);
            var random = new SeededRandom((ulong)caller);
            for (int run = 0; run < RunsPerCaller; run++)
                jobs[random.NextInt(jobs.Length)].Check(own ?? shared);
        });
    }

    [Fact]
    public void Bad_arguments_are_named_with_both_lengths()
    {
        using var context = new ComputeContext(1);
        Pool2dDims dims = Pool2dDims.Create(1, 2, 4, 4, 2, 2, 2, 2);
        var max = new MaxPoolingPlan(dims);
        var average = new AveragePoolingPlan(dims);
        float[] x = new float[32], y = new float[8], wrong = new float[7];
        int[] indices = new int[8];
        Named("dims", "empty", () => _ = new MaxPoolingPlan(default));
        Named("dims", "empty", () => _ = new AveragePoolingPlan(default));
        Named("divisorOverride", "0", () => _ = new AveragePoolingPlan(dims, divisorOverride: 0));
        Named("x", "[1, 2, 4, 4] of " + dims + ", 32 elements; got 7", () => max.Forward(wrong, y, indices, context));
        Named("y", "8 elements; got 7", () => max.Forward(x, wrong, indices, context));
        Named("indices", "8 elements (IndexLength); got 3", () => max.Forward(x, y, new int[3], context));
        Named("dy", "8 elements; got 7", () => max.Backward(wrong, indices, x, context));
        Named("indices", "8 elements (IndexLength); got 3", () => max.Backward(y, new int[3], x, context));
        Named("dx", "32 elements; got 7", () => max.Backward(y, indices, wrong, context));
        Named("x", "32 elements; got 7", () => average.Forward(wrong, y, context));
        Named("y", "8 elements; got 7", () => average.Forward(x, wrong, context));
        Named("dy", "8 elements; got 7", () => average.Backward(wrong, x, context));
        Named("dx", "32 elements; got 7", () => average.Backward(y, wrong, context));

        var overlapping = new MaxPoolingPlan(Pool2dDims.Create(1, 2, 4, 4, 3, 3));
        Assert.Throws<IndexOutOfRangeException>(() => overlapping.Backward(y, [.. Enumerable.Repeat(16, 8)], x, context));
    }

    private static void Named(string argument, string words, Action call)
    {
        ArgumentException e = Assert.ThrowsAny<ArgumentException>(call);
        Assert.Equal(argument, e.ParamName);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    // Both poolings of one geometry, forward and backward, in plans that all threads share.
    private sealed class Job(Pool2dDims dims)
    {
        private readonly MaxPoolingPlan _max = new(dims);
        private readonly AveragePoolingPlan _average = new(dims);
        private readonly float[] _x = new SeededRandom(1).Floats(dims.Input.Count), _dy = new SeededRandom(2).Floats(dims.Output.Count);
        private float[] _expected = [];

        public void Expect(ComputeContext context) => _expected = Run(context);

        public void Check(ComputeContext context)
        {
            if (!MemoryMarshal.AsBytes<float>(Run(context)).SequenceEqual(MemoryMarshal.AsBytes<float>(_expected)))
                Assert.Fail($"{dims} gives other bits");
        }

        private float[] Run(ComputeContext context)
        {
            float[] y1 = new float[_dy.Length], y2 = new float[_dy.Length], dx1 = new float[_x.Length], dx2 = new float[_x.Length];
            var indices = new int[_max.IndexLength];
            _max.Forward(_x, y1, indices, context);
            _average.Forward(_x, y2, context);
            _max.Backward(_dy, indices, dx1, context);
            _average.Backward(_dy, dx2, context);
            return [.. y1, .. y2, .. dx1, .. dx2];
        }
    }
}
