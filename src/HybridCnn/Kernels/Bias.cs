using System.Numerics;
using System.Runtime.InteropServices;

namespace HybridCnn.Kernels;

/// <summary>The bias of a layer whose outputs are rows of a matrix: one number a row.</summary>
internal static class Bias
{
    /// <summary>Sets each row of y [bias.Length, columns], at row stride <paramref name="ldy"/>, to its bias.</summary>
    public static void Fill(ReadOnlySpan<float> bias, int columns, Span<float> y, int ldy)
    {
        for (int row = 0; row < bias.Length; row++)
            y.Slice(row * ldy, columns).Fill(bias[row]);
    }

    /// <summary>Adds one number to every element of y.</summary>
    public static void Add(float bias, Span<float> y)
    {
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(y);
        var added = new Vector<float>(bias);
        foreach (ref Vector<float> vector in vectors)
            vector += added;
        foreach (ref float value in y[(vectors.Length * Vector<float>.Count)..])
            value += bias;
    }

    /// <summary>Adds the sum of each row of dy [dBias.Length, columns], at row stride <paramref name="lddy"/>, to dBias.</summary>
    public static void AddRowSums(ReadOnlySpan<float> dy, int lddy, int columns, Span<float> dBias)
    {
        for (int row = 0; row < dBias.Length; row++)
            dBias[row] += Sum(dy.Slice(row * lddy, columns));
    }

    // Four accumulators, because an addition's result is ready only four cycles later.
    private static float Sum(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> a = default, b = default, c = default, e = default;
        int i = 0;
        for (; i + 4 <= vectors.Length; i += 4)
        {
            a += vectors[i];
            b += vectors[i + 1];
            c += vectors[i + 2];
            e += vectors[i + 3];
        }

        for (; i < vectors.Length; i++)
            a += vectors[i];
        float sum = Vector.Sum(a + b + (c + e));
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            sum += value;
        return sum;
    }
}
