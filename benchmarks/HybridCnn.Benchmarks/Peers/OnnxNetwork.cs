using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>Writes a network of ours in ONNX's format, layer by layer as PyTorch would export it: what can be fused is left to whoever reads it.</summary>
internal static class OnnxNetwork
{
    /// <exception cref="NotSupportedException">A layer that there is no translation of; the message names it.</exception>
    public static byte[] Write(Network network, Shape input)
    {
        var wiring = new NetworkWiring(network, input);
        var model = new OnnxModel();
        // A change of the memory order is none here, and so on: such values have the name of another.
        var names = new string[wiring.ValueCount];
        names[0] = OnnxModel.Input;
        foreach (NetworkStep step in wiring.Steps)
        {
            string[] inputs = [.. step.Inputs.Select(value => names[value])];
            string end = step.Output == wiring.Output ? OnnxModel.Output : $"value{step.Output}", name = step.Relu is null ? end : $"{end}-before";
            names[step.Output] = end;
            if (step.Layer is LayoutChange or Dropout)
            {
                if (step.Output == wiring.Output)
                    model.Add("Identity", inputs, end);
                else
                    names[step.Output] = inputs[0];
                continue;
            }

            Add(model, step, inputs, name, $"layer{step.Output}");
            if (step.Relu is { } relu)
                AddRelu(model, relu.Layer!.ReluCeiling!.Value, name, end);
        }

        return model.ToBytes(input, wiring.OutputShape);
    }

    private static void Add(OnnxModel model, NetworkStep step, string[] inputs, string output, string name)
    {
        switch (step.Layer)
        {
            case null when step.Join is SumJoin && inputs.Length == 2:
                model.Add("Add", inputs, output);
                break;
            case Conv2d convolution:
                model.AddConvolution(convolution.Plan!.Dims, [inputs[0], .. Constants(model, name, convolution)], output);
                break;
            case BatchNorm2d normalization:
                model.Add(
                    "BatchNormalization", [inputs[0], .. Constants(model, name, normalization)], output,
                    OnnxModel.Attribute("epsilon", (float)normalization.Epsilon));
                break;
            case Linear linear:
                model.Add("Gemm", [inputs[0], .. Constants(model, name, linear)], output, OnnxModel.Attribute("transB", 1));
                break;
            case MaxPool2d pool:
                AddPool(model, "MaxPool", pool.Dims!.Value, inputs, output);
                break;
            case AveragePool2d pool:
                AddPool(model, "AveragePool", pool.Dims!.Value, inputs, output);
                break;
            case GlobalAveragePool2d:
                model.Add("GlobalAveragePool", inputs, output);
                break;
            case Flatten:
                model.Add("Flatten", inputs, output);
                break;
            case ZeroPadChannels pad:
                model.Add("Pad", [inputs[0], model.Constant($"{name}.pads", 0, pad.Before, 0, 0, 0, pad.After, 0, 0)], output);
                break;
            case { ReluCeiling: { } ceiling }:
                AddRelu(model, ceiling, inputs[0], output);
                break;
            default:
                throw new NotSupportedException($"{step.Name}, {step.TypeName}, isn't written to ONNX's format.");
        }
    }

    private static void AddRelu(OnnxModel model, float ceiling, string input, string output)
    {
        if (float.IsPositiveInfinity(ceiling))
            model.Add("Relu", [input], output);
        else
            model.Add("Clip", [input, model.Constant($"{output}.least", [0f]), model.Constant($"{output}.most", [ceiling])], output);
    }

    private static void AddPool(OnnxModel model, string type, Pool2dDims dims, string[] inputs, string output) => model.Add(
        type, inputs, output, OnnxModel.Attributes("kernel_shape", dims.KH, dims.KW), OnnxModel.Attributes("strides", dims.StrideH, dims.StrideW),
        OnnxModel.Attributes("pads", dims.PadTop, dims.PadLeft, dims.PadBottom, dims.PadRight), OnnxModel.Attribute("ceil_mode", dims.CeilMode ? 1L : 0));

    private static IEnumerable<string> Constants(OnnxModel model, string name, Layer layer) => layer.Parameters.Concat(layer.Buffers)
        .Select(parameter => model.Constant($"{name}.{parameter.Name}", parameter.Value.ReadOnlySpan, OnnxModel.Extents(parameter.Shape)));
}
