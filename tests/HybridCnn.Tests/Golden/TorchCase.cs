using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace HybridCnn.Tests.Golden;

/// <summary>
/// One reference case that PyTorch computed in double: inputs, outputs, gradients, and how far PyTorch's own float32 run was
/// from them. A safetensors file; read here by a few lines of its own, because the cases are oracles for the library.
/// </summary>
internal sealed class TorchCase
{
    private readonly JsonElement _header;
    private readonly JsonElement _errors;
    private readonly byte[] _data;

    public TorchCase(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file));
        _header = JsonDocument.Parse(file.AsMemory(8, headerLength)).RootElement;
        _data = file[(8 + headerLength)..];
        JsonElement metadata = _header.GetProperty("__metadata__");
        Operation = metadata.GetProperty("op").GetString()!;
        Name = metadata.GetProperty("name").GetString()!;
        Attributes = JsonDocument.Parse(metadata.GetProperty("attrs").GetString()!).RootElement;
        _errors = JsonDocument.Parse(metadata.GetProperty("torch_f32_error").GetString()!).RootElement;
    }

    public string Operation { get; }

    public string Name { get; }

    public JsonElement Attributes { get; }

    public bool Has(string tensor) => _header.TryGetProperty(tensor, out _);

    public int Int(string attribute) => Attributes.GetProperty(attribute).GetInt32();

    public float Float(string attribute, float otherwise) =>
        Attributes.TryGetProperty(attribute, out JsonElement value) ? value.GetSingle() : otherwise;

    public bool Flag(string attribute) => Attributes.GetProperty(attribute).GetBoolean();

    public (int Height, int Width) Pair(string attribute)
    {
        JsonElement pair = Attributes.GetProperty(attribute);
        return (pair[0].GetInt32(), pair[1].GetInt32());
    }

    public int[] Extents(string tensor) => [.. _header.GetProperty(tensor).GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];

    public float[] Floats(string tensor) => Read<float>(tensor, "F32");

    public double[] Doubles(string tensor) => Read<double>(tensor, "F64");

    public int[] Integers(string tensor) => [.. Read<long>(tensor, "I64").Select(value => checked((int)value))];

    public byte[] Bytes(string tensor) => Read<byte>(tensor, "U8");

    /// <summary>
    /// Fails unless every |got - reference| is within 8 times the error of PyTorch's own float32 run + 1e-6 of the largest value;
    /// NaN and infinities must be where the reference has them.
    /// </summary>
    /// <param name="output">"y", "grad_x", …</param>
    /// <param name="got">As many values as the reference has from <paramref name="offset"/> on, or fewer.</param>
    /// <param name="offset">Where in the reference to start.</param>
    public void AssertClose(string output, ReadOnlySpan<float> got, int offset = 0)
    {
        double[] expected = Doubles("out." + output);
        JsonElement error = _errors.GetProperty(output);
        double bound = 8 * Number(error, "max_abs") + 1e-6 * Number(error, "scale");
        Assert.True(offset + got.Length <= expected.Length, $"{output} has {expected.Length} values; got {offset} + {got.Length}");
        for (int i = 0; i < got.Length; i++)
        {
            double reference = expected[offset + i];
            bool close = double.IsFinite(reference) ? Math.Abs(got[i] - reference) <= bound : reference.Equals((double)got[i]);
            Assert.True(close, $"{Operation}/{Name}: {output}[{offset + i}] is {got[i]}, expected {reference} ± {bound:e1}");
        }
    }

    private static double Number(JsonElement error, string property) =>
        error.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;

    private T[] Read<T>(string tensor, string type)
        where T : struct
    {
        JsonElement entry = _header.GetProperty(tensor);
        Assert.Equal(type, entry.GetProperty("dtype").GetString());
        JsonElement offsets = entry.GetProperty("data_offsets");
        return MemoryMarshal.Cast<byte, T>(_data.AsSpan(offsets[0].GetInt32()..offsets[1].GetInt32())).ToArray();
    }
}
