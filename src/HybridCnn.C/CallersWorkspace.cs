using HybridCnn.Compute;
using HybridCnn.Operators;

namespace HybridCnn.C;

/// <summary>Scratch memory that a caller lends for one call; null leaves the context its own.</summary>
internal readonly unsafe ref struct CallersWorkspace
{
    private const int Line = 64;

    private readonly ComputeContext.LentWorkspace _lent;
    private readonly bool _isLent;

    public CallersWorkspace(ComputeContext context, void* workspace, long workspace_bytes)
    {
        if (workspace_bytes < 0)
            throw new ArgumentException($"workspace_bytes is {workspace_bytes}; it must be at least 0.");
        if (workspace == null)
        {
            if (workspace_bytes != 0)
                throw new ArgumentException($"workspace is null, but workspace_bytes is {workspace_bytes}.");
            return;
        }

        // From the first whole line on.
        long skipped = -(nint)workspace & (Line - 1);
        long floats = Math.Clamp((workspace_bytes - skipped) / sizeof(float), 0, Array.MaxLength);
        _lent = context.Lend(new PinnedSpan((float*)((byte*)workspace + skipped), (int)floats));
        _isLent = true;
    }

    /// <summary>Enough for a pass, wherever the block begins, with every worker's part on lines of its own.</summary>
    public static long Bytes(ConvolutionPlan plan, ConvolutionPass pass) =>
        plan.WorkspaceBytes(pass) is > 0 and var bytes ? bytes + Line * (plan.Options.Shares + 2L) : 0;

    public void Dispose()
    {
        if (_isLent)
            _lent.Dispose();
    }
}
