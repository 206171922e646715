using HybridCnn.Compute;

namespace HybridCnn.Operators;

/// <summary>Runs cheap passes on the calling thread: waking another costs as much as some ten thousand elements.</summary>
internal static class Dispatch
{
    private const long MinimumElements = 64 * 1024;

    /// <summary><see cref="WorkerPool.For"/>, or one call with everything where all items together touch few elements.</summary>
    public static void For<TState>(ComputeContext context, int count, long elements, TState state, RangeBody<TState> body)
        where TState : class
    {
        if (elements < MinimumElements)
            body(state, 0, 0, count);
        else
            context.Workers.For(count, state, body);
    }
}
