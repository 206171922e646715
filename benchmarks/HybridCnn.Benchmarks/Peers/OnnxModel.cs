using System.Runtime.InteropServices;
using Google.Protobuf;
using HybridCnn.Benchmarks.Peers.Onnx;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>A network of one convolution in ONNX's format.</summary>
internal static class OnnxModel
{
    public const string Input = "x";
    public const string Output = "y";

    private const string Weights = "weights";

    // The versions that an operator of this form is defined in since 2019: any later reader takes them.
    private const int IrVersion = 8;
    private const int OperatorSet = 13;

    /// <summary>y = x convolved with constant weights, NCHW, without bias, serialized.</summary>
    public static byte[] Convolution(Conv2dDims dims, ReadOnlySpan<float> weights)
    {
        var node = new NodeProto { OpType = "Conv", Input = { Input, Weights }, Output = { Output } };
        node.Attribute.Add(new AttributeProto { Name = "group", Type = AttributeProto.Types.AttributeType.Int, I = dims.Groups });
        node.Attribute.Add(Values("kernel_shape", dims.KH, dims.KW));
        node.Attribute.Add(Values("strides", dims.StrideH, dims.StrideW));
        node.Attribute.Add(Values("pads", dims.PadTop, dims.PadLeft, dims.PadBottom, dims.PadRight));
        node.Attribute.Add(Values("dilations", dims.DilationH, dims.DilationW));
        var graph = new GraphProto { Name = "convolution", Node = { node } };
        graph.Input.Add(Value(Input, dims.N, dims.IC, dims.IH, dims.IW));
        graph.Output.Add(Value(Output, dims.N, dims.OC, dims.OH, dims.OW));
        graph.Initializer.Add(new TensorProto
        {
            Name = Weights,
            DataType = TensorProto.Types.DataType.Float,
            Dims = { dims.OC, dims.IC / dims.Groups, dims.KH, dims.KW },
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(weights)),
        });
        return new ModelProto { IrVersion = IrVersion, Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = OperatorSet } } }.ToByteArray();
    }

    private static AttributeProto Values(string name, params long[] values) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };

    private static ValueInfoProto Value(string name, params long[] shape) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = TensorProto.Types.DataType.Float,
                Shape = new TensorShapeProto { Dim = { shape.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }) } },
            },
        },
    };
}
