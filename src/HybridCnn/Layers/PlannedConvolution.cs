using HybridCnn.Compute;
using HybridCnn.Operators;
using HybridCnn.Tensors;

namespace HybridCnn.Layers;

/// <summary>An ordinary convolution as its layers run it: with their weights, by a plan for the geometry bound to and the options of the context.</summary>
internal sealed class PlannedConvolution(ConvolutionWeights weights)
{
    public ConvolutionWeights Weights => weights;

    /// <summary>Null until <see cref="Bind"/>.</summary>
    public ConvolutionPlan? Plan { get; private set; }

    /// <summary>Plans with default options, unless it has been done.</summary>
    public void Bind(Conv2dDims dims)
    {
        if (Plan is null || Plan.Dims != dims)
            Plan = new ConvolutionPlan(dims);
    }

    /// <summary>Plans by measuring.</summary>
    public void Tune(Layer layer, ComputeContext context, TuningCache cache, Action<ConvolutionPlan>? tuned)
    {
        if (Plan is null)
            throw new InvalidOperationException($"{layer.GetType().Name} isn't bound to a shape; call Bind first.");
        Plan = ConvolutionPlan.Tune(Plan.Dims, context, cache);
        tuned?.Invoke(Plan);
    }

    /// <summary>Overwrites y.</summary>
    public void Forward(Tensor x, Tensor y, bool relu, ComputeContext context) =>
        PlanFor(context).Forward(x.Span, weights.Weight, weights.Bias, y.Span, context, relu);

    /// <summary>Adds to the gradients of the weights; overwrites dx if given.</summary>
    public void Backward(Tensor x, Tensor dy, Tensor? dx, ComputeContext context)
    {
        ConvolutionPlan plan = PlanFor(context);
        plan.BackwardWeights(x.Span, dy.Span, weights.WeightGradient, weights.BiasGradient, context);
        context.NoteWeightsDone();
        if (dx is not null)
            plan.BackwardData(dy.Span, weights.Weight, dx.Span, context);
    }

    /// <summary>The plan for a context's options.</summary>
    public ConvolutionPlan PlanFor(ComputeContext context) => Plan!.Options == context.Options
        ? Plan
        : Plan = new ConvolutionPlan(Plan.Dims, ConvolutionAlgorithm.Automatic, context.Options);
}
