using System.Text;
using System.Text.Json;

namespace HybridCnn.IO;

/// <summary>
/// Reads the JSON header of a safetensors file and proves it: known types, shapes that fill their bytes, no name twice, and
/// tensors that cover the rest of the file without gap or overlap.
/// </summary>
internal ref struct SafeTensorHeader
{
    // The reference implementation's limit.
    public const int MaxBytes = 100_000_000;
    public const int LengthBytes = 8;

    private readonly string _file;
    private readonly long _dataStart;
    private readonly long _dataBytes;
    private Utf8JsonReader _json;

    private SafeTensorHeader(string file, ReadOnlySpan<byte> header, long dataBytes)
    {
        _file = file;
        _dataStart = LengthBytes + header.Length;
        _dataBytes = dataBytes;
        _json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 8 });
    }

    /// <summary>Parses the header and proves it against the size of the file.</summary>
    /// <param name="file">For messages.</param>
    /// <param name="header">The JSON.</param>
    /// <param name="dataBytes">How many bytes follow the header.</param>
    /// <exception cref="DataFormatException">Anything that isn't as the format has it.</exception>
    public static (List<SafeTensorEntry> Entries, Dictionary<string, string> Metadata) Parse(string file, ReadOnlySpan<byte> header, long dataBytes)
    {
        var parser = new SafeTensorHeader(file, header, dataBytes);
        try
        {
            return parser.Parse();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with broken UTF-8 or a lone surrogate.
            throw new DataFormatException(file, LengthBytes + parser._json.BytesConsumed, "a JSON header", $"\"{e.Message}\"", e);
        }
    }

    private (List<SafeTensorEntry> Entries, Dictionary<string, string> Metadata) Parse()
    {
        var entries = new List<SafeTensorEntry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        Expect(JsonTokenType.StartObject, "an object");
        while (NextProperty(out string name))
        {
            if (!names.Add(name))
                throw Bad("each name once", $"\"{name}\" a second time");
            if (name == "__metadata__")
                ReadMetadata(metadata);
            else
                entries.Add(ReadEntry(name));
        }

        // Only spaces may follow: Read throws on anything else.
        _json.Read();
        CheckCoverage(entries);
        return (entries, metadata);
    }

    private void ReadMetadata(Dictionary<string, string> metadata)
    {
        Expect(JsonTokenType.StartObject, "metadata as an object of strings");
        while (NextProperty(out string key))
        {
            Expect(JsonTokenType.String, $"a string as metadata \"{key}\"");
            if (!metadata.TryAdd(key, _json.GetString()!))
                throw Bad("each metadata key once", $"\"{key}\" a second time");
        }
    }

    private SafeTensorEntry ReadEntry(string name)
    {
        string? type = null;
        List<long>? shape = null, offsets = null;
        Expect(JsonTokenType.StartObject, $"an object for tensor \"{name}\"");
        while (NextProperty(out string key))
        {
            switch (key)
            {
                case "dtype" when type is null:
                    Expect(JsonTokenType.String, $"a string as dtype of \"{name}\"");
                    type = _json.GetString()!;
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers($"shape of \"{name}\"");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers($"data_offsets of \"{name}\"");
                    break;
                default:
                    throw Bad($"dtype, shape and data_offsets of \"{name}\", each once", $"\"{key}\"");
            }
        }

        if (type is null || shape is null || offsets is null)
            throw Bad($"dtype, shape and data_offsets of \"{name}\"", $"no {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        int size = SafeTensorEntry.SizeOf(type);
        if (size == 0)
            throw Bad($"a known dtype for \"{name}\"", $"\"{type}\"");
        Int128 bytes = size;
        foreach (long extent in shape)
        {
            // Cut off where it can only grow or become 0: the product stays far from the limits of 128 bits.
            bytes = extent is < 0 or > int.MaxValue ? throw Bad($"extents of 0 to {int.MaxValue} for \"{name}\"", extent.ToString()) : bytes * extent;
            if (bytes > long.MaxValue)
                throw Bad($"a tensor \"{name}\" that fits the file", $"shape [{string.Join(", ", shape)}]");
        }

        if (offsets.Count != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > _dataBytes)
            throw Bad($"data_offsets of \"{name}\" as [begin, end] within the {_dataBytes} bytes behind the header", $"[{string.Join(", ", offsets)}]");
        if (offsets[1] - offsets[0] != bytes)
        {
            throw Bad(
                $"{bytes} bytes for \"{name}\", {type} [{string.Join(", ", shape)}]", $"data_offsets [{string.Join(", ", offsets)}], {offsets[1] - offsets[0]} bytes");
        }

        return new SafeTensorEntry(name, type, [.. shape.Select(e => (int)e)], _dataStart + offsets[0], (long)bytes);
    }

    private List<long> ReadNumbers(string what)
    {
        var numbers = new List<long>();
        Expect(JsonTokenType.StartArray, $"a list of numbers as {what}");
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long number))
                throw Bad($"whole numbers as {what}", Token());
            numbers.Add(number);
        }

        return numbers;
    }

    private readonly void CheckCoverage(List<SafeTensorEntry> entries)
    {
        long end = _dataStart;
        foreach (SafeTensorEntry entry in entries.OrderBy(e => e.Offset).ThenBy(e => e.ByteCount))
        {
            if (entry.Offset != end)
            {
                string trouble = entry.Offset < end ? "overlaps the tensor before it" : "leaves a gap before it";
                throw new DataFormatException(_file, entry.Offset, $"\"{entry.Name}\" to start at byte {end}", $"that it {trouble}");
            }

            end = entry.Offset + entry.ByteCount;
        }

        if (end != _dataStart + _dataBytes)
            throw new DataFormatException(_file, end, "the end of the file", $"{_dataStart + _dataBytes - end} bytes that belong to no tensor");
    }

    private bool NextProperty(out string name)
    {
        _json.Read();
        name = _json.TokenType == JsonTokenType.PropertyName ? _json.GetString()! : "";
        return _json.TokenType == JsonTokenType.PropertyName;
    }

    private void Expect(JsonTokenType type, string what)
    {
        if (!_json.Read() || _json.TokenType != type)
            throw Bad(what, Token());
    }

    private readonly string Token() => _json.TokenType switch
    {
        JsonTokenType.None => "nothing",
        JsonTokenType.StartObject or JsonTokenType.StartArray => _json.TokenType == JsonTokenType.StartObject ? "an object" : "a list",
        _ => Encoding.UTF8.GetString(_json.ValueSpan),
    };

    private readonly DataFormatException Bad(string expected, string found) => new(_file, LengthBytes + _json.TokenStartIndex, expected, found);
}
