using System.Numerics;

namespace HybridCnn.Kernels;

/// <summary>Elementwise activations. NaN passes through, as in PyTorch.</summary>
internal static class Activations
{
    /// <summary>y = max(x, 0). Overwrites y, which may be x.</summary>
    public static void Relu(ReadOnlySpan<float> x, Span<float> y)
    {
        y = y[..x.Length];
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var value = new Vector<float>(x[i..]);
            Vector.ConditionalSelect(Vector.LessThanOrEqual(value, Vector<float>.Zero), Vector<float>.Zero, value).CopyTo(y[i..]);
        }

        for (; i < x.Length; i++)
            y[i] = x[i] <= 0 ? 0 : x[i];
    }

    /// <summary>dx = dy where y is above 0, else 0. Overwrites dx, which may be dy.</summary>
    public static void ReluBackward(ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx)
    {
        dy = dy[..y.Length];
        dx = dx[..y.Length];
        int i = 0;
        for (; i <= y.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<int> blocked = Vector.LessThanOrEqual(new Vector<float>(y[i..]), Vector<float>.Zero);
            Vector.ConditionalSelect(blocked, Vector<float>.Zero, new Vector<float>(dy[i..])).CopyTo(dx[i..]);
        }

        for (; i < y.Length; i++)
            dx[i] = y[i] <= 0 ? 0 : dy[i];
    }
}
