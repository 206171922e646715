using HybridCnn.Compute;
using HybridCnn.Kernels;
using HybridCnn.Tensors;
using HybridCnn.Training;

namespace HybridCnn.Tests.Golden;

/// <summary>PyTorch's losses and optimizers.</summary>
internal static class TorchTrainingCases
{
    /// <summary>The loss that a case is about; null where we have none, or another reduction than the mean.</summary>
    public static Loss? Loss(TorchCase test) => test.Attributes.GetProperty("reduction").GetString() != "mean" ? null : test.Name switch
    {
        "mse_mean" => new MeanSquaredError(),
        "bce_with_logits" => new BinaryCrossEntropy(),
        _ when test.Name.StartsWith("l1", StringComparison.Ordinal) => new MeanAbsoluteError(),
        _ when test.Name.StartsWith("huber", StringComparison.Ordinal) => new HuberLoss(test.Float("delta", 1)),
        _ => null,
    };

    public static void CheckLoss(TorchCase test)
    {
        Tensor x = TorchReferenceTests.Input(test, "in.x"), gradient = new(x.Shape);
        gradient.Span.Fill(float.NaN);
        test.AssertClose("loss", [Loss(test)!.Forward(x, TorchReferenceTests.Input(test, "in.target"), gradient)]);
        test.AssertClose("grad_x", gradient.Span);
    }

    public static void CheckCrossEntropy(TorchCase test)
    {
        Tensor logits = TorchReferenceTests.Input(test, "in.logits"), gradient = new(logits.Shape);
        gradient.Span.Fill(float.NaN);
        int[] labels = test.Integers("in.target");
        float[] weights = test.Has("in.class_weight") ? test.Floats("in.class_weight") : [];
        float smoothing = test.Float("label_smoothing", 0);
        int ignored = test.Int("ignore_index");
        var losses = new float[labels.Length];
        var loss = new SoftmaxCrossEntropy(smoothing, weights.Length == 0 ? null : weights, ignored);
        loss.PerImage(logits, labels, losses);
        string reduction = test.Attributes.GetProperty("reduction").GetString()!;
        if (reduction == "mean")
        {
            test.AssertClose("loss", [loss.Forward(logits, labels, gradient)]);
        }
        else
        {
            test.AssertClose("loss", reduction == "none" ? losses : [losses.Sum()]);
            for (int n = 0; n < labels.Length; n++)
            {
                float upstream = labels[n] == ignored ? 0 : reduction == "none" ? test.Floats("in.grad_out")[n] : 1;
                var target = new ClassTarget(Math.Max(labels[n], 0), logits.Shape[1], smoothing, weights);
                Softmax.CrossEntropy(logits.Item(n), target, upstream, gradient.Item(n));
            }
        }

        test.AssertClose("grad_logits", gradient.Span);
    }

    public static void CheckOptimizer(TorchCase test, ComputeContext context)
    {
        Parameter[] parameters = [.. new[] { "p0", "p1" }.Select(name => new Parameter(name, new Shape(test.Extents("in." + name))))];
        foreach (Parameter parameter in parameters)
            test.Floats("in." + parameter.Name).CopyTo(parameter.Value.Span);
        Optimizer optimizer = Create(test, parameters);
        int steps = test.Extents("in.g0")[0];
        for (int step = 0; step < steps; step++)
        {
            foreach (Parameter parameter in parameters)
            {
                int count = parameter.Shape.Count;
                test.Floats("in.g" + parameter.Name[1..]).AsSpan(step * count, count).CopyTo(parameter.Gradient.Span);
            }

            optimizer.Step(context);
            foreach (Parameter parameter in parameters)
                test.AssertClose(parameter.Name, parameter.Value.Span, step * parameter.Shape.Count);
        }
    }

    private static Optimizer Create(TorchCase test, Parameter[] parameters)
    {
        float rate = test.Float("lr", 0), decay = test.Float("weight_decay", 0), momentum = test.Float("momentum", 0);
        float epsilon = test.Float("eps", 1e-8f), beta1 = test.Float("beta1", 0.9f), beta2 = test.Float("beta2", 0.999f);
        bool Set(string attribute) => test.Attributes.TryGetProperty(attribute, out var value) && value.GetBoolean();
        return test.Attributes.GetProperty("type").GetString() switch
        {
            "sgd" => new Sgd(parameters, rate, momentum, Set("nesterov"), decay, test.Float("dampening", 0)),
            "adam" => new Adam(parameters, rate, beta1, beta2, epsilon, decay, Set("amsgrad")),
            "adamw" => new AdamW(parameters, rate, beta1, beta2, epsilon, decay, Set("amsgrad")),
            "rmsprop" => new Rmsprop(parameters, rate, test.Float("alpha", 0.99f), epsilon, decay, momentum, Set("centered")),
            var other => throw new NotSupportedException($"No optimizer {other}"),
        };
    }
}
