namespace HybridCnn.IO;

/// <summary>An array as NumPy's files hold it, in row-major order.</summary>
/// <param name="Values">byte[], short[], int[], long[], float[] or double[].</param>
/// <param name="Extents">The shape; empty for a single number, an extent may be 0.</param>
public sealed record NpyArray(Array Values, IReadOnlyList<int> Extents)
{
    /// <summary>"float [20, 1, 5, 5]".</summary>
    public override string ToString() => $"{NpyFormat.NameOf(Values)} [{string.Join(", ", Extents)}]";
}
