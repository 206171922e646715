using HybridCnn.Compute;
using HybridCnn.Kernels;

namespace HybridCnn.Operators;

/// <summary>The arguments of one Winograd pass on their way to the workers; one object per context, filled anew by each call.</summary>
internal sealed class WinogradJob
{
    public WinogradRoles Roles { get; set; }

    public WinogradBlocking Blocking { get; set; }

    public WinogradTiles Tiles { get; set; }

    /// <summary>Whether OpenBLAS has its small-matrix kernels here, for which products are then cut.</summary>
    public bool SmallKernels { get; set; }

    public bool Relu { get; set; }

    public Workspace Workspace { get; set; } = null!;

    /// <summary>What is read: x, or dY in the backward pass by data.</summary>
    public PinnedSpan Input { get; set; }

    /// <summary>w [OC, IC, 3, 3], or their gradient.</summary>
    public PinnedSpan Weights { get; set; }

    /// <summary>The weights transformed before the pass, as <see cref="WinogradBlocking.PreparedStride"/> has them; empty where the pass transforms them.</summary>
    public PinnedSpan Prepared { get; set; }

    public PinnedSpan Bias { get; set; }

    /// <summary>What is written: y, or dX; for the gradient of the weights dY, which is read.</summary>
    public PinnedSpan Output { get; set; }

    /// <summary>Blocks that the tiles are cut into.</summary>
    public int Blocks { get; set; }

    /// <summary>First tile of the block in work, where all workers work on one.</summary>
    public int First { get; set; }

    /// <summary>Its number of tiles.</summary>
    public int Count { get; set; }

    public Span<float> Shared => Workspace.Shared((int)Blocking.SharedFloats);

    public Span<float> Slice(int worker) => Workspace.Slice(worker, (int)Blocking.WorkerFloats);

    /// <summary>Makes block number <paramref name="block"/> the one in work.</summary>
    public void Take(int block)
    {
        First = (int)((long)Tiles.Count * block / Blocks);
        Count = (int)((long)Tiles.Count * (block + 1) / Blocks) - First;
    }

    /// <summary>C [m, n] = op(A) [m, k] · B [k, n] + beta·C by the way that is fast here.</summary>
    public void Multiply(
        Transpose ta, int m, int n, int k, ReadOnlySpan<float> a, int lda, ReadOnlySpan<float> b, int ldb, float beta, Span<float> c, int ldc)
    {
        GemmPieces.RunWhere(SmallKernels, ta, m, n, k, a, lda, b, ldb, beta, c, ldc);
    }
}
