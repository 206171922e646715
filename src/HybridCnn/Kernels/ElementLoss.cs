using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Runs a loss of single elements over spans; the compiler makes a loop for each function and register width.</summary>
internal static class ElementLoss
{
    // Sums of so many elements are taken in float, theirs in double.
    private const int Run = 1024;

    /// <summary>The sum of the losses, and the gradient: slope·scale.</summary>
    /// <param name="function">The loss.</param>
    /// <param name="x">What the network says.</param>
    /// <param name="target">What it should say; equal length.</param>
    /// <param name="scale">What the slope is multiplied by; 1 / count for a mean.</param>
    /// <param name="dx">Overwritten; equal length, or empty where the gradient isn't wanted. May be <paramref name="x"/>.</param>
    public static double Sum<TFunction>(TFunction function, ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx)
        where TFunction : struct, ILossFunction
    {
        if (target.Length != x.Length)
            throw new ArgumentException($"target has {target.Length} elements, x {x.Length}.", nameof(target));
        if (!dx.IsEmpty && dx.Length != x.Length)
            throw new ArgumentException($"dx has {dx.Length} elements, x {x.Length}.", nameof(dx));
        double sum = 0;
        for (int i = 0; i < x.Length;)
        {
            int end = Math.Min(x.Length, i + Run);
            sum += Vector512.IsHardwareAccelerated
                ? Sum<TFunction, Floats16>(function, x[..end], target, scale, dx, ref i)
                : Sum<TFunction, Floats8>(function, x[..end], target, scale, dx, ref i);
            sum += Sum<TFunction, Floats1>(function, x[..end], target, scale, dx, ref i);
        }

        return sum;
    }

    private static double Sum<TFunction, T>(TFunction function, ReadOnlySpan<float> x, ReadOnlySpan<float> target, float scale, Span<float> dx, ref int i)
        where TFunction : struct, ILossFunction
        where T : struct, IFloats<T>
    {
        ref float source = ref MemoryMarshal.GetReference(x), wanted = ref MemoryMarshal.GetReference(target), gradient = ref MemoryMarshal.GetReference(dx);
        T sum = T.Broadcast(0);
        for (; i + T.Count <= x.Length; i += T.Count)
        {
            (T loss, T slope) = function.At(T.Load(ref source, i), T.Load(ref wanted, i));
            sum += loss;
            if (!dx.IsEmpty)
                (slope * T.Broadcast(scale)).Store(ref gradient, i);
        }

        return sum.Sum();
    }
}
