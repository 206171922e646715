using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>Runs an activation over spans; the compiler makes a loop for each function and register width.</summary>
internal static class Elementwise
{
    /// <summary>Overwrites y, which may be x. Equal lengths.</summary>
    public static void Forward<TFunction>(TFunction function, ReadOnlySpan<float> x, Span<float> y)
        where TFunction : struct, IActivation
    {
        CheckLength(x.Length, nameof(x), y.Length, nameof(y));
        int done = Vector512.IsHardwareAccelerated ? Forward<TFunction, Floats16>(function, x, y, 0) : Forward<TFunction, Floats8>(function, x, y, 0);
        _ = Forward<TFunction, Floats1>(function, x, y, done);
    }

    /// <summary>y = f(y) in rows of so many columns at a stride.</summary>
    public static void InPlace<TFunction>(TFunction function, Span<float> y, int rows, int columns, int stride)
        where TFunction : struct, IActivation
    {
        if (columns == stride)
            (rows, columns) = (1, rows * columns);
        for (int row = 0; row < rows; row++)
            Forward(function, y.Slice(row * stride, columns), y.Slice(row * stride, columns));
    }

    /// <summary>Overwrites dx, which may be dy. Equal lengths.</summary>
    /// <param name="function">Says whether <paramref name="at"/> is y or x.</param>
    /// <param name="at">Where the derivative is taken.</param>
    /// <param name="dy">Gradient by y.</param>
    /// <param name="dx">Gradient by x.</param>
    public static void Backward<TFunction>(TFunction function, ReadOnlySpan<float> at, ReadOnlySpan<float> dy, Span<float> dx)
        where TFunction : struct, IActivation
    {
        CheckLength(at.Length, nameof(at), dx.Length, nameof(dx));
        CheckLength(dy.Length, nameof(dy), dx.Length, nameof(dx));
        int done = Vector512.IsHardwareAccelerated ? Backward<TFunction, Floats16>(function, at, dy, dx, 0) : Backward<TFunction, Floats8>(function, at, dy, dx, 0);
        _ = Backward<TFunction, Floats1>(function, at, dy, dx, done);
    }

    private static int Forward<TFunction, T>(TFunction function, ReadOnlySpan<float> x, Span<float> y, int i)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        for (; i + T.Count <= y.Length; i += T.Count)
            function.Value(T.Load(ref MemoryMarshal.GetReference(x), i)).Store(ref MemoryMarshal.GetReference(y), i);
        return i;
    }

    private static int Backward<TFunction, T>(TFunction function, ReadOnlySpan<float> at, ReadOnlySpan<float> dy, Span<float> dx, int i)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        for (; i + T.Count <= dx.Length; i += T.Count)
            function.Gradient(T.Load(ref MemoryMarshal.GetReference(at), i), T.Load(ref MemoryMarshal.GetReference(dy), i)).Store(ref MemoryMarshal.GetReference(dx), i);
        return i;
    }

    private static void CheckLength(int given, string name, int expected, string target)
    {
        if (given != expected)
            throw new ArgumentException($"{name} has {given} elements, {target} {expected}.", name);
    }
}
