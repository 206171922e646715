using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Rows of single numbers made twice as long, and their gradients, eight inputs at a time. The last eight lie over some that are already done.
/// </summary>
internal static class RowDoubling
{
    private const float Near = 0.75f, Far = 0.25f;

    // Those at the ends have one neighbour.
    private const int FewestInputs = 10;

    /// <summary>Whether a row has two outputs for each input, and inputs enough.</summary>
    public static bool Takes(int inputs, int outputs) => outputs == 2 * inputs && inputs >= FewestInputs;

    /// <summary>y[2i] = y[2i + 1] = x[i]. Overwrites y.</summary>
    public static void Repeat(ReadOnlySpan<float> x, Span<float> y)
    {
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y[..(2 * x.Length)]);
        for (int i = 0; i < x.Length; i += Vector256<float>.Count)
        {
            int at = Math.Min(i, x.Length - Vector256<float>.Count);
            Vector256<float> value = Vector256.LoadUnsafe(ref from, (nuint)at);
            Lanes.Join(value, value, ref to, (nuint)(2 * at));
        }
    }

    /// <summary>dx[i] = dy[2i] + dy[2i + 1]. Overwrites dx.</summary>
    public static void AddPairs(ReadOnlySpan<float> dy, Span<float> dx)
    {
        ref float from = ref MemoryMarshal.GetReference(dy[..(2 * dx.Length)]), to = ref MemoryMarshal.GetReference(dx);
        for (int i = 0; i < dx.Length; i += Vector256<float>.Count)
        {
            int at = Math.Min(i, dx.Length - Vector256<float>.Count);
            (Vector256<float> even, Vector256<float> odd) = Lanes.Split256(ref from, (nuint)(2 * at));
            (even + odd).StoreUnsafe(ref to, (nuint)at);
        }
    }

    /// <summary>y[2i] = ¼·x[i − 1] + ¾·x[i], y[2i + 1] = ¾·x[i] + ¼·x[i + 1]; the first and the last are x's own. Overwrites y.</summary>
    public static void Blend(ReadOnlySpan<float> x, Span<float> y)
    {
        int last = x.Length - 1;
        ref float from = ref MemoryMarshal.GetReference(x), to = ref MemoryMarshal.GetReference(y[..(2 * x.Length)]);
        for (int i = 1; i < last; i += Vector256<float>.Count)
        {
            int at = Math.Min(i, last - Vector256<float>.Count);
            Vector256<float> before = Vector256.LoadUnsafe(ref from, (nuint)(at - 1)), here = Near * Vector256.LoadUnsafe(ref from, (nuint)at);
            Vector256<float> behind = Vector256.LoadUnsafe(ref from, (nuint)(at + 1));
            Lanes.Join(Far * before + here, here + Far * behind, ref to, (nuint)(2 * at));
        }

        (y[0], y[1]) = (x[0], Near * x[0] + Far * x[1]);
        (y[2 * last], y[2 * last + 1]) = (Far * x[last - 1] + Near * x[last], x[last]);
    }

    /// <summary>The transpose of <see cref="Blend"/>. Overwrites dx.</summary>
    public static void BlendBack(ReadOnlySpan<float> dy, Span<float> dx)
    {
        int last = dx.Length - 1;
        ref float from = ref MemoryMarshal.GetReference(dy[..(2 * dx.Length)]), to = ref MemoryMarshal.GetReference(dx);
        for (int i = 1; i < last; i += Vector256<float>.Count)
        {
            int at = Math.Min(i, last - Vector256<float>.Count);
            (Vector256<float> before, Vector256<float> even) = Lanes.Split256(ref from, (nuint)(2 * at - 1));
            (Vector256<float> odd, Vector256<float> behind) = Lanes.Split256(ref from, (nuint)(2 * at + 1));
            (Far * (before + behind) + Near * (even + odd)).StoreUnsafe(ref to, (nuint)at);
        }

        dx[0] = dy[0] + Near * dy[1] + Far * dy[2];
        dx[last] = Far * dy[2 * last - 1] + Near * dy[2 * last] + dy[2 * last + 1];
    }
}
