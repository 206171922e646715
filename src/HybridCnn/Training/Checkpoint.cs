using System.Globalization;
using HybridCnn.Data;
using HybridCnn.IO;
using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.Training;

/// <summary>
/// Everything that training needs to go on bit for bit, in one safetensors file: the network's state under PyTorch's names, so that the file serves as
/// weights too, what the optimizer and the average remember under "training/", and in the metadata all numbers, the masks of dropout, and the place in the
/// order of images. Numbers are written as the 16 hexadecimal digits of their bits: nothing is rounded, and infinity is a number like others. The metadata
/// holds the SHA-256 of the file too: a bit that has changed is an error, not another training.
/// </summary>
public static class Checkpoint
{
    private const string FormatKey = "checkpoint", Format = "hybridcnn checkpoint 2", PositionKey = "position";
    private const string NumberPrefix = "number/", DropoutPrefix = "dropout/", NotePrefix = "note/";

    /// <summary>Writes a checkpoint, atomically: after any failure the old file is unchanged. Call it between steps.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="trainer">Not while its network holds the averages.</param>
    /// <param name="position">Of the source that training reads: <see cref="BatchSource.Position"/>.</param>
    /// <param name="description">How to run the network, so that the file serves as weights; may be null.</param>
    /// <param name="notes">The caller's own strings; may be null.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(
        string path, Trainer trainer, LoaderPosition position, ModelDescription? description = null, IReadOnlyDictionary<string, string>? notes = null) =>
        Save(path, trainer, position, description, SafeTensors.Utf8(notes));

    /// <summary>The same, with notes that are UTF-8 already: whoever saves often need not make strings of long ones.</summary>
    /// <inheritdoc cref="Save(string, Trainer, LoaderPosition, ModelDescription?, IReadOnlyDictionary{string, string}?)"/>
    public static void Save(
        string path, Trainer trainer, LoaderPosition position, ModelDescription? description, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> notes)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        ArgumentNullException.ThrowIfNull(notes);
        TrainingState state = trainer.State;
        Dictionary<string, string> numbers = description?.ToMetadata() ?? [];
        numbers[FormatKey] = Format;
        numbers[PositionKey] = $"{Hex(position.RandomState)} {position.ImagesDone.ToString(CultureInfo.InvariantCulture)}";
        foreach (NamedNumber number in state.Numbers)
            numbers[NumberPrefix + number.Name] = Hex(BitConverter.DoubleToUInt64Bits(number.Value));
        foreach ((string name, Dropout dropout) in Dropouts("", trainer.Network))
            numbers[DropoutPrefix + name] = $"{Hex(dropout.Seed)} {Hex(dropout.Step)}";
        Dictionary<string, ReadOnlyMemory<byte>> metadata = SafeTensors.Utf8(numbers);
        foreach ((string key, ReadOnlyMemory<byte> value) in notes)
            metadata[NotePrefix + key] = value;
        SafeTensors.Write(path, Tensors(trainer, state).Select(named => (named.Name, named.Tensor)), metadata, checksum: true);
    }

    /// <summary>Reads where the images were and what the caller noted: a loader must be there before a thread reads ahead of it.</summary>
    /// <exception cref="DataFormatException">Missing, damaged, or no checkpoint.</exception>
    public static CheckpointInfo Describe(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault(FormatKey) is not { } format)
            throw new DataFormatException($"{path} is no checkpoint: it has no metadata \"{FormatKey}\".");
        if (format != Format)
            throw new DataFormatException($"{path} is a \"{format}\"; this version reads a \"{Format}\".");
        file.RequireIntact(required: true);
        (ulong state, string done) = Pair(path, file, PositionKey);
        if (!int.TryParse(done, NumberStyles.None, CultureInfo.InvariantCulture, out int imagesDone))
            throw new DataFormatException($"{path}: expected a number of images as metadata \"{PositionKey}\", found \"{done}\".");
        return new(new LoaderPosition(state, imagesDone), file.Metadata
            .Where(pair => pair.Key.StartsWith(NotePrefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[NotePrefix.Length..], pair => pair.Value, StringComparer.Ordinal));
    }

    /// <summary>Reads a checkpoint into a trainer made with the same settings. Unless every name and shape is the same, nothing is changed.</summary>
    /// <returns>Where the images were, and the caller's notes.</returns>
    /// <exception cref="DataFormatException">Missing, damaged, or of another training: the message lists what is missing, unexpected or of another shape.</exception>
    public static CheckpointInfo Load(string path, Trainer trainer)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        CheckpointInfo info = Describe(path);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        TrainingState state = trainer.State;
        NamedTensor[] tensors = Tensors(trainer, state);
        (string Name, Dropout Dropout)[] dropouts = [.. Dropouts("", trainer.Network)];
        var troubles = new List<string>();
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (!file.Contains(name))
                troubles.Add($"{name} {tensor.Shape} is missing");
            else if (file.Entry(name) is var entry && (entry.ElementType != "F32" || !Weights.HasExtents(tensor.Shape, entry.Extents)))
                troubles.Add($"{entry} is here {tensor.Shape}");
        }

        string[] numbers = [.. state.Numbers.Select(number => NumberPrefix + number.Name), .. dropouts.Select(dropout => DropoutPrefix + dropout.Name)];
        troubles.AddRange(numbers.Where(name => !file.Metadata.ContainsKey(name)).Select(name => $"{name} is missing"));
        troubles.AddRange(file.Entries.Select(entry => entry.Name).Except(tensors.Select(named => named.Name)).Select(name => $"{name} is not in this training"));
        troubles.AddRange(file.Metadata.Keys
            .Where(key => key.StartsWith(NumberPrefix, StringComparison.Ordinal) || key.StartsWith(DropoutPrefix, StringComparison.Ordinal))
            .Except(numbers).Select(name => $"{name} is not in this training"));
        if (troubles.Count > 0)
            throw new DataFormatException($"{path} is the checkpoint of another training: {string.Join("; ", troubles)}.");

        double[] values = [.. state.Numbers.Select(number => BitConverter.UInt64BitsToDouble(Bits(path, number.Name, file.Metadata[NumberPrefix + number.Name])))];
        (ulong Seed, ulong Step)[] masks = [.. dropouts.Select(dropout =>
            Pair(path, file, DropoutPrefix + dropout.Name) is var (seed, step) ? (seed, Bits(path, dropout.Name, step)) : default)];
        foreach ((string name, Tensor tensor) in tensors)
            file.ReadFloats(name, tensor.Span);
        for (int i = 0; i < masks.Length; i++)
            (dropouts[i].Dropout.Seed, dropouts[i].Dropout.Step) = masks[i];
        for (int i = 0; i < values.Length; i++)
            state.Numbers[i].Value = values[i];
        return info;
    }

    /// <summary>Reads the averages of the weights over the weights: what training with a <see cref="WeightAverage"/> is tested with.</summary>
    /// <param name="path">A checkpoint, or a file of weights.</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>.</param>
    /// <returns>False, and nothing is changed, where the file holds no averages.</returns>
    /// <exception cref="DataFormatException">Missing, damaged, or the averages of another network.</exception>
    public static bool LoadAverage(string path, IEnumerable<NamedParameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        NamedParameter[] all = [.. parameters];
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        const string prefix = $"{Weights.TrainingPrefix}{Trainer.AverageName}.";
        if (!file.Entries.Any(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal)))
            return false;
        foreach (NamedParameter named in all)
        {
            SafeTensorEntry entry = file.Entry(prefix + named.Name);
            if (!Weights.HasExtents(named.Parameter.Shape, entry.Extents))
                throw new DataFormatException($"{path} holds the averages of another network: {entry} is here {named.Parameter.Shape}.");
        }

        foreach (NamedParameter named in all)
            file.ReadFloats(prefix + named.Name, named.Parameter.Value.Span);
        return true;
    }

    private static NamedTensor[] Tensors(Trainer trainer, TrainingState state) =>
    [
        .. trainer.Network.NamedState.Select(named => new NamedTensor(named.Name, named.Parameter.Value)),
        .. state.Tensors.Select(named => new NamedTensor(Weights.TrainingPrefix + named.Name, named.Tensor)),
    ];

    private static IEnumerable<(string Name, Dropout Dropout)> Dropouts(string name, Layer layer) => layer is Dropout dropout
        ? [(name, dropout)]
        : layer.Children.SelectMany(child => Dropouts(name == "" ? child.Name : $"{name}.{child.Name}", child.Layer));

    private static string Hex(ulong bits) => bits.ToString("x16", CultureInfo.InvariantCulture);

    private static ulong Bits(string path, string name, string text) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits)
        ? bits
        : throw new DataFormatException($"{path}: expected 16 hexadecimal digits as \"{name}\", found \"{text}\".");

    private static (ulong First, string Second) Pair(string path, SafeTensorsFile file, string key)
    {
        string[] parts = (file.Metadata.GetValueOrDefault(key) ?? "").Split(' ');
        return parts.Length == 2 ? (Bits(path, key, parts[0]), parts[1]) : throw new DataFormatException($"{path}: expected two numbers as metadata \"{key}\".");
    }
}
