using HybridCnn.Compute;

namespace HybridCnn.Operators;

/// <summary>
/// The arguments of one pass on their way to the workers; one object per context, filled anew by each call. Each span is
/// the value or the gradient of its place, as the pass has it.
/// </summary>
internal sealed class ConvolutionJob
{
    public NchwMethod Method { get; set; } = null!;

    public Workspace Workspace { get; set; } = null!;

    public PinnedSpan X { get; set; }

    public PinnedSpan Weights { get; set; }

    public PinnedSpan Bias { get; set; }

    public PinnedSpan Y { get; set; }

    /// <summary>Whether a ReLU follows the forward pass.</summary>
    public bool Relu { get; set; }

    /// <summary>Into how many blocks the pass cuts each image and group.</summary>
    public int Blocks { get; set; }

    /// <summary>Which workers had a share, and so have partial sums in their workspace.</summary>
    public bool[] Took { get; private set; } = [];

    public void Clear(int workers)
    {
        if (Took.Length != workers)
            Took = new bool[workers];
        Array.Clear(Took);
    }
}
