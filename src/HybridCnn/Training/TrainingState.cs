namespace HybridCnn.Training;

/// <summary>
/// What must be saved so that training goes on as if it had never stopped: tensors and numbers, each under a name. Both are the
/// live ones: read them to save, write them to restore, into an object made with the same settings.
/// </summary>
/// <param name="tensors">Each name once.</param>
/// <param name="numbers">Each name once.</param>
public sealed class TrainingState(IReadOnlyList<NamedTensor> tensors, IReadOnlyList<NamedNumber> numbers)
{
    /// <summary>Nothing to save.</summary>
    public static TrainingState Empty { get; } = new([], []);

    /// <summary>Tensors, which are written in place.</summary>
    public IReadOnlyList<NamedTensor> Tensors { get; } = tensors;

    /// <summary>Counters and the like.</summary>
    public IReadOnlyList<NamedNumber> Numbers { get; } = numbers;

    /// <summary>Several states as one, each under a name that goes before its names with a point: "optimizer.velocity.0".</summary>
    public static TrainingState Join(params IEnumerable<(string Name, TrainingState State)> parts)
    {
        (string Name, TrainingState State)[] all = [.. parts];
        return new(
            [.. all.SelectMany(part => part.State.Tensors, (part, inner) => new NamedTensor($"{part.Name}.{inner.Name}", inner.Tensor))],
            [.. all.SelectMany(part => part.State.Numbers, (part, inner) => inner.Under(part.Name))]);
    }
}
