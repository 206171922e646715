using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using HybridCnn.Tensors;

namespace HybridCnn.IO;

/// <summary>What must go with the weights so that a file of them alone is enough to run the network on a picture.</summary>
/// <param name="Model">The network's name: "lenet".</param>
/// <param name="ClassNames">The name of each class, in the order of the network's outputs.</param>
/// <param name="ImageShape">[C, H, W] of one image.</param>
/// <param name="Mean">Mean of pixel / 255 that the network was trained with, one per channel.</param>
/// <param name="Deviation">Standard deviation of pixel / 255, one per channel, above 0.</param>
/// <param name="Data">The data set's name: "mnist"; null where there is none to name.</param>
public sealed record ModelDescription(
    string Model, IReadOnlyList<string> ClassNames, Shape ImageShape, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation, string? Data = null)
{
    private const string FormatKey = "format", Format = "hybridcnn 1";
    private const string ModelKey = "model", ClassesKey = "classes", ImageKey = "image", MeanKey = "mean", DeviationKey = "deviation", DataKey = "data";

    /// <exception cref="ArgumentException">Parts that don't go together.</exception>
    internal Dictionary<string, string> ToMetadata()
    {
        if (Trouble() is { } trouble)
            throw new ArgumentException(trouble);
        var metadata = new Dictionary<string, string>
        {
            [FormatKey] = Format,
            [ModelKey] = Model,
            [ClassesKey] = WriteNames(ClassNames),
            [ImageKey] = Join('x', [ImageShape[0], ImageShape[1], ImageShape[2]]),
            [MeanKey] = Join(' ', Mean),
            [DeviationKey] = Join(' ', Deviation),
        };
        if (Data is not null)
            metadata[DataKey] = Data;
        return metadata;
    }

    /// <exception cref="DataFormatException">A part is missing or malformed.</exception>
    internal static ModelDescription FromMetadata(string file, IReadOnlyDictionary<string, string> metadata)
    {
        string format = Get(FormatKey);
        if (format != Format)
            throw Bad(FormatKey, $"\"{Format}\"", format);
        string classes = Get(ClassesKey), image = Get(ImageKey), mean = Get(MeanKey), deviation = Get(DeviationKey);
        int[] extents = Split<int>('x', image) is { Length: 3 } three && three.All(e => e is > 0 and <= ushort.MaxValue)
            ? three
            : throw Bad(ImageKey, "CxHxW", image);
        var description = new ModelDescription(
            Get(ModelKey),
            ReadNames(classes) ?? throw Bad(ClassesKey, "a JSON list of names", classes),
            new Shape(extents),
            Split<float>(' ', mean) ?? throw Bad(MeanKey, "numbers", mean),
            Split<float>(' ', deviation) ?? throw Bad(DeviationKey, "numbers", deviation),
            metadata.GetValueOrDefault(DataKey));
        return description.Trouble() is { } trouble ? throw new DataFormatException($"{file}: {trouble}") : description;

        string Get(string key) => metadata.TryGetValue(key, out string? value)
            ? value
            : throw new DataFormatException($"{file} has no metadata \"{key}\", so it isn't a file of weights that this library saved.");
        DataFormatException Bad(string key, string expected, string found) =>
            new($"{file}: expected {expected} as metadata \"{key}\", found \"{found}\".");
    }

    private string? Trouble()
    {
        if (ImageShape.Rank != 3)
            return $"An image has the shape [C, H, W]; got {ImageShape}.";
        if (ClassNames.Count == 0)
            return "A network has at least one class; got none.";
        if (Mean.Count != ImageShape[0] || Deviation.Count != ImageShape[0])
            return $"{ImageShape[0]} channels need as many means and deviations; got {Mean.Count} and {Deviation.Count}.";
        return Mean.All(float.IsFinite) && Deviation.All(d => float.IsFinite(d) && d > 0)
            ? null
            : $"Means are finite, deviations are above 0; got {Join(' ', Mean)} and {Join(' ', Deviation)}.";
    }

    private static string Join<T>(char separator, IEnumerable<T> numbers)
        where T : IFormattable => string.Join(separator, numbers.Select(n => n.ToString(null, CultureInfo.InvariantCulture)));

    private static T[]? Split<T>(char separator, string text)
        where T : struct, IParsable<T>
    {
        string[] parts = text.Split(separator);
        var numbers = new T[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!T.TryParse(parts[i], CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        }

        return numbers;
    }

    // Names may hold any character; JSON is the list that does too.
    private static string WriteNames(IReadOnlyList<string> names)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (string name in names)
                json.WriteStringValue(name);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string[]? ReadNames(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return [.. document.RootElement.EnumerateArray().Select(e => e.GetString() ?? throw new JsonException())];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: not a list, or not of strings.
            return null;
        }
    }
}
