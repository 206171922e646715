using System.Runtime.InteropServices;
using Google.Protobuf;
using HybridCnn.Benchmarks.Peers.Onnx;
using HybridCnn.Tensors;

namespace HybridCnn.Benchmarks.Peers;

/// <summary>A network in ONNX's format while it is put together: operators over named values, from "x" to "y", with constant weights.</summary>
internal sealed class OnnxModel
{
    public const string Input = "x";
    public const string Output = "y";

    // The versions that these operators are defined in since 2020: any later reader takes them.
    private const int IrVersion = 8;
    private const int OperatorSet = 13;

    private readonly GraphProto _graph = new() { Name = "network" };

    /// <summary>y = x convolved with constant weights, NCHW, without bias, serialized.</summary>
    public static byte[] Convolution(Conv2dDims dims, ReadOnlySpan<float> weights)
    {
        var model = new OnnxModel();
        model.AddConvolution(dims, [Input, model.Constant("weights", weights, dims.OC, dims.IC / dims.Groups, dims.KH, dims.KW)], Output);
        return model.ToBytes(new Shape(dims.N, dims.IC, dims.IH, dims.IW), new Shape(dims.N, dims.OC, dims.OH, dims.OW));
    }

    /// <summary>Adds an operator.</summary>
    /// <param name="type">"Conv", "Relu", ….</param>
    /// <param name="inputs">The names of values.</param>
    /// <param name="output">The name of the value that it makes.</param>
    /// <param name="attributes">What sets it apart.</param>
    public void Add(string type, string[] inputs, string output, params AttributeProto[] attributes) =>
        _graph.Node.Add(new NodeProto { OpType = type, Input = { inputs }, Output = { output }, Attribute = { attributes } });

    /// <summary>Adds a convolution of x with weights and, if there is a third input, bias.</summary>
    public void AddConvolution(Conv2dDims dims, string[] inputs, string output) => Add(
        "Conv", inputs, output, Attribute("group", dims.Groups), Attributes("kernel_shape", dims.KH, dims.KW), Attributes("strides", dims.StrideH, dims.StrideW),
        Attributes("pads", dims.PadTop, dims.PadLeft, dims.PadBottom, dims.PadRight), Attributes("dilations", dims.DilationH, dims.DilationW));

    /// <summary>Adds a constant tensor; no extents for a single number.</summary>
    /// <returns>Its name.</returns>
    public string Constant(string name, ReadOnlySpan<float> values, params long[] extents)
    {
        _graph.Initializer.Add(new TensorProto
        {
            Name = name, DataType = TensorProto.Types.DataType.Float, Dims = { extents }, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values)),
        });
        return name;
    }

    /// <summary>Adds a constant list of whole numbers.</summary>
    /// <returns>Its name.</returns>
    public string Constant(string name, params long[] values)
    {
        _graph.Initializer.Add(new TensorProto
        {
            Name = name, DataType = TensorProto.Types.DataType.Int64, Dims = { values.Length }, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<long>(values)),
        });
        return name;
    }

    /// <summary>The whole model, for inputs of one shape.</summary>
    public byte[] ToBytes(Shape input, Shape output)
    {
        _graph.Input.Add(Value(Input, input));
        _graph.Output.Add(Value(Output, output));
        return new ModelProto { IrVersion = IrVersion, Graph = _graph, OpsetImport = { new OperatorSetIdProto { Version = OperatorSet } } }.ToByteArray();
    }

    public static AttributeProto Attribute(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static AttributeProto Attribute(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    public static AttributeProto Attributes(string name, params long[] values) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };

    /// <summary>The extents of a shape.</summary>
    public static long[] Extents(Shape shape) => [.. Enumerable.Range(0, shape.Rank).Select(i => (long)shape[i])];

    private static ValueInfoProto Value(string name, Shape shape) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = TensorProto.Types.DataType.Float,
                Shape = new TensorShapeProto { Dim = { Extents(shape).Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }) } },
            },
        },
    };
}
