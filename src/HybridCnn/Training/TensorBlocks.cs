using HybridCnn.Compute;
using HybridCnn.Operators;

namespace HybridCnn.Training;

/// <summary>
/// The elements of several tensors, cut into blocks that workers take. Where a block begins depends on the tensors alone, so that
/// sums by block have the same bits for any number of threads.
/// </summary>
internal sealed class TensorBlocks
{
    // What one worker takes at least: large enough to outweigh a wake-up, small enough to share out a layer.
    private const int BlockLength = 4096;

    private readonly long _elements;

    /// <param name="counts">The number of elements of each tensor.</param>
    public TensorBlocks(IEnumerable<int> counts)
    {
        int[] all = [.. counts];
        _elements = all.Sum(count => (long)count);
        Blocks = [.. all.SelectMany(Cut)];
    }

    /// <summary>In the order of the tensors.</summary>
    public Block[] Blocks { get; }

    /// <summary>Hands out ranges of <see cref="Blocks"/>.</summary>
    public void For<TState>(ComputeContext context, TState state, RangeBody<TState> body)
        where TState : class => Dispatch.For(context, Blocks.Length, _elements, state, body);

    private static IEnumerable<Block> Cut(int count, int tensor)
    {
        for (long start = 0; start < count; start += BlockLength)
            yield return new(tensor, (int)start, (int)Math.Min(BlockLength, count - start));
    }

    internal readonly record struct Block(int Tensor, int Start, int Length)
    {
        /// <summary>The block's elements of its tensor.</summary>
        public Span<float> Of(Tensors.Tensor tensor) => tensor.Span.Slice(Start, Length);
    }
}
