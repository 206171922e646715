using System.Runtime.InteropServices;
using HybridCnn.Operators;
using HybridCnn.Tensors;
using static TorchSharp.torch;

namespace HybridCnn.TorchSharp;

/// <summary>One forward pass of a max pooling, and the backward pass that belongs to it. Saves x and, in the fourth place, where the maxima were.</summary>
internal sealed class MaxPoolingCall(HybridMaxPool2d module, MaxPoolingPlan plan, Tensor x) : HybridCall(module, x, null, null)
{
    public override Tensor Forward(Tensor x, Tensor? weight, Tensor? bias, List<Tensor?> saved)
    {
        Layout layout = plan.Dims.Layout;
        Tensor y = Images.Empty(plan.Dims.Output), indices = empty(plan.IndexLength, dtype: ScalarType.Int32);
        using Images images = Images.In(layout, x), result = Images.In(layout, y);
        Module.NoteConversion(images.Converted);
        plan.Forward(images.Floats, result.Floats, MemoryMarshal.Cast<byte, int>(indices.bytes), Module.Context);
        Temporary.Add(indices);
        saved.AddRange([x, null, null, indices]);
        return y;
    }

    public override Tensor?[] Backward(IReadOnlyList<Tensor?> saved, Tensor dy)
    {
        Layout layout = plan.Dims.Layout;
        Tensor dx = Images.Empty(plan.Dims.Input);
        using Images dImages = Images.In(layout, dy), result = Images.In(layout, dx);
        Module.NoteConversion(dImages.Converted);
        plan.Backward(dImages.Floats, MemoryMarshal.Cast<byte, int>(saved[3]!.bytes), result.Floats, Module.Context);
        return [dx, null, null];
    }

    public override Tensor ByTorch(IReadOnlyList<Tensor?> saved) => module.ByTorch(saved[0]!);
}
