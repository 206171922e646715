namespace HybridCnn.Training;

/// <summary>
/// A number of a state. Counters and floats are exact as double: a file that keeps all 64 bits restores them bit for bit.
/// </summary>
public sealed class NamedNumber
{
    private readonly Func<double> _get;
    private readonly Action<double> _set;

    internal NamedNumber(string name, Func<double> get, Action<double> set)
    {
        Name = name;
        _get = get;
        _set = set;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The live value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value that the number can't have.</exception>
    public double Value
    {
        get => _get();
        set => _set(value);
    }

    /// <summary>A counter: a whole number, not negative.</summary>
    internal static NamedNumber Counter(string name, Func<long> get, Action<long> set) => new(name, () => get(), value =>
    {
        const double largest = 1L << 53;
        set(value >= 0 && value <= largest && value == Math.Floor(value)
            ? (long)value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"{name} is a counter: a whole number of at least 0."));
    });

    internal NamedNumber Under(string prefix) => new($"{prefix}.{Name}", _get, _set);
}
