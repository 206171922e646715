using System.Diagnostics;
using System.Globalization;
using System.Text;
using HybridCnn.Compute;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>
/// A wired network with the memory of its passes. Activations and gradients are planned together: the backward pass takes turns in the buffers that only
/// the forward pass needs. Prediction has a plan of its own, which borrows the places of the first where they are large enough. Memory is made on the first
/// pass that needs it.
/// </summary>
internal sealed class NetworkPlan
{
    private readonly NetworkWiring _wiring;
    private readonly ActivationPlan _training, _prediction;
    private readonly GradientPlan _gradients;
    private readonly (int Places, long Floats) _trainingMemory, _predictionMemory;
    private readonly Lazy<long> _keptFloats;
    private bool _canTrain, _canPredict, _canGoBack, _wasTraining;

    public NetworkPlan(NetworkWiring wiring)
    {
        _wiring = wiring;
        var recomputation = new Recomputation(wiring);
        _training = new ActivationPlan(wiring, recomputation);
        _gradients = new GradientPlan(wiring, recomputation);
        _prediction = new ActivationPlan(wiring, null);
        _trainingMemory = PlannedBuffer.Place(_training.Buffers.Concat(_gradients.Buffers));
        _keptFloats = new(() => PlannedBuffer.Place(
            new ActivationPlan(wiring, Recomputation.None(wiring)).Buffers.Concat(new GradientPlan(wiring, Recomputation.None(wiring)).Buffers)).Floats);
        // No backward pass follows a prediction, which may write over all that training keeps.
        _predictionMemory = PlannedBuffer.Place(_prediction.Buffers, _training.Buffers.Concat(_gradients.Buffers));
    }

    public void Forward(Tensor x, Tensor y, NetworkTimer? timer, ComputeContext context)
    {
        if (!_canTrain)
        {
            _training.Allocate();
            _gradients.Allocate();
            _canTrain = true;
        }

        _canGoBack = false;
        _training.Run(x, y, timer, context);
        (_canGoBack, _wasTraining) = (true, context.IsTraining);
    }

    public void Predict(Tensor x, Tensor y, NetworkTimer? timer, ComputeContext context)
    {
        if (!_canPredict)
        {
            _prediction.Allocate();
            _canPredict = true;
        }

        _canGoBack = false;
        _prediction.Run(x, y, timer, context);
    }

    public void Backward(Tensor x, Tensor y, Tensor dy, Tensor? dx, Action<int>? gradientsReady, NetworkTimer? timer, ComputeContext context)
    {
        if (!_canGoBack)
            throw new InvalidOperationException("A backward pass needs the activations of a Forward; there was none, or a Predict since.");
        int ready = _wiring.ChildCount;
        context.IsTimed = timer is not null;
        for (int i = 0; i < _gradients.Operations.Count; i++)
        {
            GradientOperation operation = _gradients.Operations[i];
            if (dx is null && !_gradients.HasParametersBehind(operation.Value))
                continue;
            long start = timer is null ? 0 : Stopwatch.GetTimestamp();
            if (operation.IsAgain)
            {
                RunAgain(operation, x, y, context);
                timer?.NoteAgain(operation.Step!, _wiring, start);
                continue;
            }

            if (operation.Step is not { } step)
            {
                operation.RunSum(At(operation.Value, x, y), dy, dx, context);
                timer?.NoteBackward(_wiring.StepOf(operation.Value), _wiring, isSum: true, start, context);
                continue;
            }

            if (step.Child >= 0)
                ReportDownTo(step.Child + 1);
            operation.Run(At(step.Inputs[0], x, y), At(step.Output, x, y), dy, dx, _gradients, context);
            timer?.NoteBackward(step, _wiring, isSum: false, start, context);
        }

        ReportDownTo(0);
        context.IsTimed = false;

        void ReportDownTo(int child)
        {
            for (; ready > child; ready--)
                gradientsReady?.Invoke(ready - 1);
        }
    }

    public NetworkSummary Summarize(Shape input) => new(
        input,
        [.. _wiring.Steps.Select(step => new LayerSummary(
            step.Name, step.FullTypeName, _wiring.ShapeOf(step.Output), step.Layer?.Parameters.Sum(parameter => (long)parameter.Shape.Count) ?? 0,
            step.Layer?.Flops ?? 0, step.IsView ? 0 : (long)sizeof(float) * _wiring.ShapeOf(step.Output).Count, step.Layer?.PlanOfPasses))],
        sizeof(float) * _trainingMemory.Floats, sizeof(float) * _predictionMemory.Floats, sizeof(float) * _keptFloats.Value);

    public void Explain(StringBuilder text)
    {
        foreach (NetworkStep step in _wiring.Steps)
        {
            string shape = _wiring.ShapeOf(step.Output).ToString();
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"{step.Name,3} {step.TypeName} → {shape}");
            if (step.Layer?.Explain() is { Length: > 0 } inner)
                text.AppendLine().Append("      ").Append(inner.ReplaceLineEndings(Environment.NewLine + "      "));
            if (step.Relu is { } relu)
                text.AppendLine().Append(CultureInfo.InvariantCulture, $"{relu.Name,3} {relu.TypeName}, computed by {step.Name}, → {shape}");
        }

        text.AppendLine().Append(CultureInfo.InvariantCulture, $"Memory: {InWords(_trainingMemory)} for training, {InWords(_predictionMemory)} for prediction");

        static string InWords((int Places, long Floats) memory) =>
            string.Create(CultureInfo.InvariantCulture, $"{memory.Floats * sizeof(float) / 1e6:0.0} MB in {memory.Places} buffers");
    }

    // As the backward pass sees it.
    private Tensor At(int value, Tensor x, Tensor y) => _gradients.Again(value) ?? _training[value, x, y];

    // In the mode of the forward pass, but nothing that it changed is changed a second time.
    private void RunAgain(GradientOperation operation, Tensor x, Tensor y, ComputeContext context)
    {
        bool isTraining = context.IsTraining;
        (context.IsTraining, context.IsRecomputing) = (_wasTraining, true);
        try
        {
            operation.RunAgain(x, y, _training, _gradients, context);
        }
        finally
        {
            (context.IsTraining, context.IsRecomputing) = (isTraining, false);
        }
    }
}
