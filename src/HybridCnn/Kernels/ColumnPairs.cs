namespace HybridCnn.Kernels;

/// <summary>
/// Columns of a matrix in as few pairs of registers as cover them, about equally wide. The two registers of a pair overlap where it isn't
/// twice as wide as a register; pairs don't.
/// </summary>
/// <param name="columns">At least as many as a register holds.</param>
/// <param name="register">Floats of a register.</param>
internal readonly struct ColumnPairs(int columns, int register)
{
    public int Count { get; } = (columns + 2 * register - 1) / (2 * register);

    /// <summary>First columns of the two registers.</summary>
    public (int First, int Second) this[int pair] =>
        ((int)((long)columns * pair / Count), (int)((long)columns * (pair + 1) / Count) - register);
}
