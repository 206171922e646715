using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The bias of an NHWC layer, whose outputs are the columns of a matrix: one number a column.</summary>
internal static class BiasRows
{
    // Rows shorter than this are added so many at a time: whole vectors, whatever their length.
    private const int ShortRow = 64, RowsAtATime = 16;

    /// <summary>Sets every row of y [rows, bias.Length] to the bias, and y to zeros where there is none.</summary>
    public static void FillOrClear(ReadOnlySpan<float> bias, Span<float> y)
    {
        if (bias.IsEmpty)
        {
            y.Clear();
            return;
        }

        for (int at = 0; at < y.Length; at += bias.Length)
            bias.CopyTo(y[at..]);
    }

    /// <summary>Adds the bias to every row of y [rows, bias.Length]. There must be one.</summary>
    public static void Add(ReadOnlySpan<float> bias, Span<float> y)
    {
        Span<float> several = stackalloc float[ShortRow * RowsAtATime];
        scoped ReadOnlySpan<float> added = bias;
        if (bias.Length < ShortRow)
        {
            several = several[..(bias.Length * RowsAtATime)];
            FillOrClear(bias, several);
            added = several;
        }

        int at = 0;
        for (; at <= y.Length - added.Length; at += added.Length)
            Sums.Add(added, y.Slice(at, added.Length));
        Sums.Add(added[..(y.Length - at)], y[at..]);
    }

    /// <summary>y = f(y + bias) in rows at a distance, in one sweep.</summary>
    public static void Finish<TFunction>(TFunction function, ReadOnlySpan<float> bias, Span<float> y, int rows, int stride)
        where TFunction : struct, IActivation
    {
        for (int row = 0; row < rows; row++)
        {
            Span<float> part = y.Slice(row * stride, bias.Length);
            int done = Vector512.IsHardwareAccelerated ? Finish<TFunction, Floats16>(function, bias, part, 0) : Finish<TFunction, Floats8>(function, bias, part, 0);
            _ = Finish<TFunction, Floats1>(function, bias, part, done);
        }
    }

    private static int Finish<TFunction, T>(TFunction function, ReadOnlySpan<float> bias, Span<float> y, int i)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        ref float first = ref MemoryMarshal.GetReference(y);
        for (; i + T.Count <= y.Length; i += T.Count)
            function.Value(T.Load(ref first, i) + T.Load(ref MemoryMarshal.GetReference(bias), i)).Store(ref first, i);
        return i;
    }
}
