namespace HybridCnn.Compute;

/// <summary>
/// A loop over threads that the calling program has: calls <paramref name="body"/> with each of 0, 1, ... <paramref name="count"/> - 1, on any threads, at the same time
/// where it can, and returns when all calls have returned. Which thread makes which call, and in which order, changes no bits. The body throws nothing;
/// what fails inside comes back from the call of the library. Several contexts may call the loop at the same time.
/// </summary>
/// <param name="count">Calls: at most <see cref="ComputeOptions.Threads"/>, at least 2.</param>
/// <param name="body">The same object on every call of one context.</param>
public delegate void ParallelFor(int count, Action<int> body);
