using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.IO;

/// <summary>A network's parameters in a safetensors file or in NumPy's .npz, under PyTorch's names, with what is needed to run the network.</summary>
public static class Weights
{
    /// <summary>What goes before the names of a checkpoint's tensors that are no weights.</summary>
    internal const string TrainingPrefix = "training/";

    /// <summary>Writes the parameters, atomically: after any failure the old file is unchanged. With a checksum: a bit that changes later is noticed when they are loaded.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>: "0.weight", "0.bias", "3.weight", ….</param>
    /// <param name="description">How to run the network.</param>
    /// <exception cref="ArgumentException">A name twice, or a description whose parts don't go together.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, IEnumerable<NamedParameter> parameters, ModelDescription description)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(description);
        SafeTensors.Write(path, parameters.Select(p => (p.Name, p.Parameter.Value)), SafeTensors.Utf8(description.ToMetadata()), checksum: true);
    }

    /// <summary>Writes the parameters as .npz, an array each under PyTorch's names, atomically. Such a file doesn't say how to run the network.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void SaveNpz(string path, IEnumerable<NamedParameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Npz.Write(path, parameters.Select(p => (p.Name, new NpyArray(p.Parameter.Value.ReadOnlySpan.ToArray(), Extents(p.Parameter.Shape)))));
    }

    /// <summary>Reads how to run the network, to create it before its parameters are loaded.</summary>
    /// <exception cref="DataFormatException">Missing, damaged, or without a description.</exception>
    public static ModelDescription Describe(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        return ModelDescription.FromMetadata(path, file.Metadata);
    }

    /// <summary>
    /// Reads the file into the parameters. It must hold exactly these names and shapes, as floats; otherwise nothing is changed. PyTorch's counts of the steps
    /// that a batch normalization has seen ("bn1.num_batches_tracked") may stand there too: nothing depends on them. So may the state of training in a checkpoint.
    /// </summary>
    /// <param name="path">Written by <see cref="Save"/> or <see cref="SaveNpz"/>, a checkpoint, or by another tool under PyTorch's names. NumPy's files end in ".npz".</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>.</param>
    /// <exception cref="DataFormatException">
    /// Missing, damaged, or of another network: the message lists every name that is missing or unexpected and every shape that differs.
    /// </exception>
    public static void Load(string path, IEnumerable<NamedParameter> parameters) => Load(path, parameters, partly: false);

    /// <summary>Reads what fits, to train a network further on other classes: parameters whose name or shape the file doesn't have stay as they are.</summary>
    /// <param name="path">As for <see cref="Load(string, IEnumerable{NamedParameter})"/>.</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>.</param>
    /// <returns>Every name that is missing or unexpected, and every shape that differs.</returns>
    /// <exception cref="DataFormatException">Missing, damaged, or nothing fits: then nothing is changed.</exception>
    public static IReadOnlyList<string> LoadFitting(string path, IEnumerable<NamedParameter> parameters) => Load(path, parameters, partly: true);

    internal static bool HasExtents(Shape shape, IReadOnlyList<int> extents) => Extents(shape).SequenceEqual(extents);

    private static List<string> Load(string path, IEnumerable<NamedParameter> parameters, bool partly)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(parameters);
        NamedParameter[] all = [.. parameters];
        if (path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
        {
            IReadOnlyDictionary<string, NpyArray> arrays = Npz.Read(path);
            SafeTensorEntry[] entries = [.. arrays.Select(array => new SafeTensorEntry(array.Key, ElementType(array.Value.Values), array.Value.Extents, 0, 0))];
            return Load(path, all, entries, partly, (name, values) => ((float[])arrays[name].Values).CopyTo(values));
        }

        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        file.RequireIntact();
        return Load(path, all, file.Entries, partly, file.ReadFloats);
    }

    private static List<string> Load(string path, NamedParameter[] all, IReadOnlyList<SafeTensorEntry> entries, bool partly, ReadInto read)
    {
        var byName = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        var troubles = new List<string>();
        var fitting = new List<NamedParameter>();
        foreach (NamedParameter named in all)
        {
            Shape shape = named.Parameter.Shape;
            if (!byName.TryGetValue(named.Name, out SafeTensorEntry? entry))
                troubles.Add($"{named.Name} {shape} is missing");
            else if (entry.ElementType != "F32" || !HasExtents(shape, entry.Extents))
                troubles.Add($"{named.Name} is {entry.ElementType} [{string.Join(", ", entry.Extents)}], the network has F32 {shape}");
            else
                fitting.Add(named);
        }

        var known = all.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        troubles.AddRange(entries.Where(e => !known.Contains(e.Name) && !IsNoWeight(e)).Select(e => $"{e.Name} is not in the network"));
        if (troubles.Count > 0 && (!partly || fitting.Count == 0))
            throw new DataFormatException($"{path} holds the weights of another network: {string.Join("; ", troubles)}.");
        foreach (NamedParameter named in fitting)
            read(named.Name, named.Parameter.Value.Span);
        return troubles;
    }

    private static bool IsNoWeight(SafeTensorEntry entry) => entry.Name.StartsWith(TrainingPrefix, StringComparison.Ordinal)
        || (entry is { ElementType: "I64", Extents.Count: 0 } && entry.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));

    private static string ElementType(Array values) => values switch
    {
        float[] => "F32",
        double[] => "F64",
        long[] => "I64",
        int[] => "I32",
        short[] => "I16",
        _ => "U8",
    };

    private static int[] Extents(Shape shape)
    {
        var extents = new int[shape.Rank];
        for (int axis = 0; axis < extents.Length; axis++)
            extents[axis] = shape[axis];
        return extents;
    }

    private delegate void ReadInto(string name, Span<float> values);
}
