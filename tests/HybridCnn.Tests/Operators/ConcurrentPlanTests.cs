using System.Runtime.InteropServices;
using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>Plans that eight threads share, half of them on contexts of their own and half on a shared one.</summary>
public class ConcurrentPlanTests
{
    private const int Callers = 8, RunsPerCaller = 1250;

    private static readonly (string Problem, ConvolutionAlgorithm Algorithm)[] s_plans =
    [
        ("mb1ic16ih9oc20oh9kh3ph1nhwc", ConvolutionAlgorithm.WinogradF4),
        ("mb1ic16ih9oc20oh9kh3ph1nhwc", ConvolutionAlgorithm.WinogradF2),
        ("mb2ic16ih7oc16oh4kh3sh2ph1nhwc", ConvolutionAlgorithm.Taps),
        ("mb2ic5ih9oc6oh9kh3ph1nhwc", ConvolutionAlgorithm.Im2Col),
        ("mb2ic5ih9oc6oh9kh3ph1", ConvolutionAlgorithm.Im2Col),
        ("mb2ic20ih7oc12oh7kh1nhwc", ConvolutionAlgorithm.Pointwise),
        ("mb2ic20ih7oc12oh7kh1", ConvolutionAlgorithm.Pointwise),
        ("g24mb2ic24ih9oc24oh9kh3ph1nhwc", ConvolutionAlgorithm.Depthwise),
        ("g24mb2ic24ih9oc24oh9kh3ph1", ConvolutionAlgorithm.Direct),
    ];

    [Fact]
    public void Ten_thousand_runs_have_the_bits_of_a_single_caller()
    {
        // Deterministic work has the same bits on one thread, other work only on as many threads.
        var deterministic = new ComputeOptions { Threads = 2, Deterministic = true };
        var plain = new ComputeOptions { Threads = 2 };
        Job[][] jobs = [Jobs(deterministic, deterministic with { Threads = 1 }), Jobs(plain, plain)];
        ComputeContext[] shared = [new(deterministic), new(plain)];
        Parallel.For(0, Callers, new ParallelOptions { MaxDegreeOfParallelism = Callers }, caller =>
        {
            int kind = caller % 2;
            bool sharing = caller / 2 % 2 == 0;
            using ComputeContext? own = sharing ? null : new(kind == 0 ? deterministic : plain);
            var random = new SeededRandom((ulong)caller);
            for (int run = 0; run < RunsPerCaller; run++)
                jobs[kind][random.NextInt(jobs[kind].Length)].Check(own ?? shared[kind]);
        });
        Assert.All(shared, context => context.Dispose());
    }

    private static Job[] Jobs(ComputeOptions options, ComputeOptions single)
    {
        Job[] jobs = [.. s_plans.SelectMany(plan => Enum.GetValues<ConvolutionPass>().Select(pass => new Job(plan.Problem, plan.Algorithm, pass, options)))];
        using var context = new ComputeContext(single);
        Assert.All(jobs, job => job.Expect(context));
        return jobs;
    }

    // One pass of a plan that all threads share, its arguments, and what it must give.
    private sealed class Job
    {
        private readonly ConvolutionPlan _plan;
        private readonly ConvolutionPass _pass;
        private readonly float[] _x, _w, _b, _dy;
        private float[] _expected = [];

        public Job(string problem, ConvolutionAlgorithm algorithm, ConvolutionPass pass, ComputeOptions options)
        {
            var dims = Conv2dDims.Parse(problem);
            var random = new SeededRandom(1);
            (_plan, _pass) = (new ConvolutionPlan(dims, algorithm, options), pass);
            (_x, _w, _b, _dy) = (random.Floats(dims.XCount), random.Floats(dims.WeightsCount), random.Floats(dims.OC), random.Floats(dims.YCount));
        }

        public void Expect(ComputeContext context) => _expected = Run(context);

        public void Check(ComputeContext context)
        {
            // Bytes, as equal floats may differ in bits.
            if (!MemoryMarshal.AsBytes<float>(Run(context)).SequenceEqual(MemoryMarshal.AsBytes<float>(_expected)))
                Assert.Fail($"{_plan.Dims} {_plan.Algorithm(_pass)} {_pass} gives other bits");
        }

        private float[] Run(ComputeContext context)
        {
            Conv2dDims dims = _plan.Dims;
            switch (_pass)
            {
                case ConvolutionPass.Forward:
                    var y = new float[dims.YCount];
                    Array.Fill(y, float.NaN);
                    _plan.Forward(_x, _w, _b, y, context);
                    return y;
                case ConvolutionPass.BackwardData:
                    var dx = new float[dims.XCount];
                    Array.Fill(dx, float.NaN);
                    _plan.BackwardData(_dy, _w, dx, context);
                    return dx;
                default:
                    float[] dw = [.. _w], db = [.. _b];
                    _plan.BackwardWeights(_x, _dy, dw, db, context);
                    return [.. dw, .. db];
            }
        }
    }
}
