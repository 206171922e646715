using HybridCnn.Layers;
using HybridCnn.Tensors;

namespace HybridCnn.IO;

/// <summary>A network's parameters in a safetensors file, under PyTorch's names, with what is needed to run the network.</summary>
public static class Weights
{
    /// <summary>Writes the parameters, atomically: after any failure the old file is unchanged.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>: "0.weight", "0.bias", "3.weight", ….</param>
    /// <param name="description">How to run the network.</param>
    /// <exception cref="ArgumentException">A name twice, or a description whose parts don't go together.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, IEnumerable<NamedParameter> parameters, ModelDescription description)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(description);
        SafeTensors.Write(path, parameters.Select(p => (p.Name, p.Parameter.Value)), description.ToMetadata());
    }

    /// <summary>Reads how to run the network, to create it before its parameters are loaded.</summary>
    /// <exception cref="DataFormatException">Missing, damaged, or without a description.</exception>
    public static ModelDescription Describe(string path)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        return ModelDescription.FromMetadata(path, file.Metadata);
    }

    /// <summary>
    /// Reads the file into the parameters. It must hold exactly these names and shapes, as F32; otherwise nothing is changed. PyTorch's counts of the steps
    /// that a batch normalization has seen ("bn1.num_batches_tracked") may stand there too: nothing depends on them.
    /// </summary>
    /// <param name="path">Written by <see cref="Save"/>, or by another tool under PyTorch's names.</param>
    /// <param name="parameters">The network's <see cref="Layer.NamedState"/>.</param>
    /// <exception cref="DataFormatException">
    /// Missing, damaged, or of another network: the message lists every name that is missing or unexpected and every shape that differs.
    /// </exception>
    public static void Load(string path, IEnumerable<NamedParameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        NamedParameter[] all = [.. parameters];
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        var troubles = new List<string>();
        foreach ((string name, Parameter parameter) in all)
        {
            if (!file.Contains(name))
            {
                troubles.Add($"{name} {parameter.Shape} is missing");
                continue;
            }

            SafeTensorEntry entry = file.Entry(name);
            if (entry.ElementType != "F32" || !HasExtents(parameter.Shape, entry.Extents))
                troubles.Add($"{name} is {entry.ElementType} [{string.Join(", ", entry.Extents)}], the network has F32 {parameter.Shape}");
        }

        var known = all.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        troubles.AddRange(file.Entries.Where(e => !known.Contains(e.Name) && !IsStepCount(e)).Select(e => $"{e.Name} is not in the network"));
        if (troubles.Count > 0)
            throw new DataFormatException($"{path} holds the weights of another network: {string.Join("; ", troubles)}.");
        foreach ((string name, Parameter parameter) in all)
            file.ReadFloats(name, parameter.Value.Span);
    }

    private static bool IsStepCount(SafeTensorEntry entry) =>
        entry is { ElementType: "I64", Extents.Count: 0 } && entry.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    private static bool HasExtents(Shape shape, IReadOnlyList<int> extents)
    {
        if (shape.Rank != extents.Count)
            return false;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            if (shape[axis] != extents[axis])
                return false;
        }

        return true;
    }
}
