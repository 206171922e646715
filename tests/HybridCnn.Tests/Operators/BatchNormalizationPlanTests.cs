using HybridCnn.Compute;
using HybridCnn.Layers;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using HybridCnn.Tests.Support;

namespace HybridCnn.Tests.Operators;

/// <summary>The plan against the layer, whose operator has tests of its own: what is new is the state between the passes, and that anybody may share it.</summary>
public class BatchNormalizationPlanTests
{
    [Theory]
    [InlineData(Layout.Nchw, true)]
    [InlineData(Layout.Nhwc, true)]
    [InlineData(Layout.Nchw, false)]
    [InlineData(Layout.Nhwc, false)]
    public void Passes_of_several_batches_may_be_mixed(Layout layout, bool training)
    {
        Shape shape = new Shape(3, 5, 6, 7).In(layout);
        var random = new SeededRandom(11);
        using var context = new ComputeContext(2) { IsTraining = training };
        var plan = new BatchNormalizationPlan(shape, 1e-3);
        var batches = Enumerable.Range(0, 3).Select(_ => new Batch(shape, random, relu: random.NextInt(2) == 0)).ToArray();
        foreach (Batch batch in batches)
            batch.Forward(plan, training, context);
        foreach (Batch batch in batches.Reverse())
        {
            batch.Backward(plan, context);
            batch.Compare(shape, training, context);
        }
    }

    [Fact]
    public void Threads_share_a_plan()
    {
        Shape shape = new Shape(2, 3, 8, 8).In(Layout.Nhwc);
        var plan = new BatchNormalizationPlan(shape, 1e-3);
        Batch[] batches = [.. Enumerable.Range(0, 4).Select(i => new Batch(shape, new SeededRandom((ulong)i), relu: i % 2 == 0))];
        Thread[] threads = [.. batches.Select(batch => new Thread(() =>
        {
            using var own = new ComputeContext(1);
            for (int i = 0; i < 200; i++)
            {
                batch.Forward(plan, training: true, own);
                batch.Backward(plan, own);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        using var context = new ComputeContext(1);
        foreach (Batch batch in batches)
            batch.Compare(shape, training: true, context);
    }

    [Fact]
    public void Wrong_lengths_are_named()
    {
        var plan = new BatchNormalizationPlan(new Shape(2, 3, 4, 4));
        using var context = new ComputeContext(1);
        float[] x = new float[96], state = new float[plan.StateLength], three = new float[3];
        void Throws(string name, Action action) => Assert.Equal(name, Assert.Throws<ArgumentException>(action).ParamName);
        Throws("x", () => plan.ForwardTraining(new float[95], three, three, three, three, 0.1, x, state, context));
        Throws("bias", () => plan.ForwardTraining(x, three, new float[4], three, three, 0.1, x, state, context));
        Throws("runningVariance", () => plan.ForwardTraining(x, three, three, three, [], 0.1, x, state, context));
        Throws("variance", () => plan.ForwardEvaluation(x, three, three, three, [], x, state, context));
        Throws("state", () => plan.ForwardEvaluation(x, three, three, three, three, x, new float[3], context));
        Throws("dWeight", () => plan.Backward(x, x, state, [], new float[2], three, context));
        Throws("shape", () => _ = new BatchNormalizationPlan(new Shape(2, 3, 4)));
    }

    private sealed class Batch
    {
        private readonly bool _relu;
        private readonly Tensor _x, _dy;
        private readonly float[] _y, _dx, _weight, _bias, _dWeight, _dBias, _mean, _variance;
        private readonly float[] _state;

        public Batch(Shape shape, SeededRandom random, bool relu)
        {
            _relu = relu;
            int channels = shape[1];
            (_x, _dy) = (Tensor.From(shape, random.Floats(shape.Count)), Tensor.From(shape, random.Floats(shape.Count)));
            (_y, _dx) = (new float[shape.Count], new float[shape.Count]);
            (_weight, _bias, _dWeight, _dBias) = (random.Floats(channels), random.Floats(channels), new float[channels], new float[channels]);
            (_mean, _variance) = (random.Floats(channels), [.. random.Floats(channels).Select(v => v + 2)]);
            _state = new float[new BatchNormalizationPlan(shape).StateLength];
        }

        public void Forward(BatchNormalizationPlan plan, bool training, ComputeContext context)
        {
            _y.AsSpan().Fill(float.NaN);
            if (training)
                plan.ForwardTraining(_x.Span, _weight, _bias, [], [], 0.1, _y, _state, context, _relu);
            else
                plan.ForwardEvaluation(_x.Span, _weight, _bias, _mean, _variance, _y, _state, context, _relu);
        }

        public void Backward(BatchNormalizationPlan plan, ComputeContext context)
        {
            _dx.AsSpan().Fill(float.NaN);
            Array.Clear(_dWeight);
            Array.Clear(_dBias);
            plan.Backward(_x.Span, _dy.Span, _state, _dx, _dWeight, _dBias, context);
        }

        public void Compare(Shape shape, bool training, ComputeContext context)
        {
            context.IsTraining = training;
            var layer = new BatchNorm2d(shape[1], 1e-3);
            layer.Bind(shape);
            _weight.CopyTo(layer.Parameters[0].Value.Span);
            _bias.CopyTo(layer.Parameters[1].Value.Span);
            _mean.CopyTo(layer.Buffers[0].Value.Span);
            _variance.CopyTo(layer.Buffers[1].Value.Span);
            Tensor y = new(shape), dx = new(shape);
            if (_relu)
                layer.ForwardRelu(_x, y, float.PositiveInfinity, context);
            else
                layer.Forward(_x, y, context);
            layer.Backward(_x, y, _dy, dx, context);
            Assert.Equal(y.Span.ToArray(), _y);
            Assert.Equal(dx.Span.ToArray(), _dx);
            Assert.Equal(layer.Parameters[0].Gradient.Span.ToArray(), _dWeight);
            Assert.Equal(layer.Parameters[1].Gradient.Span.ToArray(), _dBias);
        }
    }
}
