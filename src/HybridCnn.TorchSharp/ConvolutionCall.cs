using HybridCnn.Operators;
using HybridCnn.Tensors;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>One forward pass of a convolution, and the backward pass that belongs to it. Saves x, weight, bias and x's copy in the plan's order, if there is one.</summary>
internal sealed class ConvolutionCall(HybridConv2d module, ConvolutionPlan plan, Tensor x, Tensor weight, Tensor? bias) : HybridCall(module, x, weight, bias)
{
    public override Tensor Forward(Tensor x, Tensor? weight, Tensor? bias, List<Tensor?> saved)
    {
        Conv2dDims dims = plan.Dims;
        Tensor y = Images.Empty(new Shape(dims.N, dims.OC, dims.OH, dims.OW).In(dims.Layout));
        using Images images = Read(x), result = Images.In(dims.Layout, y);
        using Tensor filters = weight!.contiguous();
        plan.Forward(images.Floats, Images.FloatsOf(filters), Images.FloatsOf(bias), result.Floats, Module.Context);
        Tensor? copy = NeedsWeight ? images.Copy() : null;
        Temporary.Add(copy);
        saved.AddRange([x, weight, bias, copy]);
        return y;
    }

    public override Tensor?[] Backward(IReadOnlyList<Tensor?> saved, Tensor dy)
    {
        Conv2dDims dims = plan.Dims;
        using Images dImages = Read(dy);
        using Tensor filters = saved[1]!.contiguous();
        Tensor? dWeight = null, dBias = null, dx = null;
        if (NeedsWeight)
        {
            dWeight = Images.Zeros(filters.shape);
            dBias = NeedsBias ? Images.Zeros(dims.OC) : null;
            using Images images = Images.In(dims.Layout, saved[3] ?? saved[0]!);
            plan.BackwardWeights(images.Floats, dImages.Floats, Images.FloatsOf(dWeight), Images.FloatsOf(dBias), Module.Context);
        }
        else if (NeedsBias)
        {
            // Weights that are frozen while the bias learns.
            dBias = sum(dy, [0, 2, 3]);
        }

        if (NeedsX)
        {
            dx = Images.Empty(new Shape(dims.N, dims.IC, dims.IH, dims.IW).In(dims.Layout));
            using Images result = Images.In(dims.Layout, dx);
            plan.BackwardData(dImages.Floats, Images.FloatsOf(filters), result.Floats, Module.Context);
        }

        return [dx, dWeight, dBias];
    }

    public override Tensor ByTorch(IReadOnlyList<Tensor?> saved) => module.ByTorch(saved[0]!, saved[1]!, saved[2]);

    private Images Read(Tensor tensor)
    {
        Images images = Images.In(plan.Dims.Layout, tensor);
        Module.NoteConversion(images.Converted);
        return images;
    }
}
