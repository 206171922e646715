using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>The passes of layer normalization over one row, whose elements have a scale and an offset each. The sums are those of <see cref="NormalizationNchw"/>.</summary>
internal static class LayerRows
{
    // Rows that are summed in float32 before they are added up, and columns whose two sums stay in the first cache.
    private const int BlockRows = 64, Columns = 1024;

    /// <summary>y = (x − mean)·inverseDeviation·gamma + beta. Overwrites; y may be x.</summary>
    public static void Apply(ReadOnlySpan<float> x, float mean, float inverseDeviation, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Span<float> y)
    {
        _ = (gamma[..x.Length].Length, beta[..x.Length].Length, y[..x.Length].Length);
        int done = Vector512.IsHardwareAccelerated
            ? Apply<Floats16>(x, mean, inverseDeviation, gamma, beta, y, 0)
            : Apply<Floats8>(x, mean, inverseDeviation, gamma, beta, y, 0);
        _ = Apply<Floats1>(x, mean, inverseDeviation, gamma, beta, y, done);
    }

    /// <summary>Σ dy·gamma and Σ dy·gamma·(x − mean).</summary>
    public static (double First, double Second) Products(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> gamma, float mean)
    {
        const int Block = 1024;
        (double first, double second) = (0, 0);
        for (int start = 0; start < x.Length; start += Block)
        {
            int length = Math.Min(Block, x.Length - start);
            ReadOnlySpan<float> xs = x.Slice(start, length), dys = dy.Slice(start, length), gammas = gamma.Slice(start, length);
            int done = Vector512.IsHardwareAccelerated
                ? AddProducts<Floats16>(xs, dys, gammas, mean, 0, ref first, ref second)
                : AddProducts<Floats8>(xs, dys, gammas, mean, 0, ref first, ref second);
            _ = AddProducts<Floats1>(xs, dys, gammas, mean, done, ref first, ref second);
        }

        return (first, second);
    }

    /// <summary>dx = dy·gamma·a + (x − mean)·b + c. Overwrites; dx may be dy.</summary>
    public static void Gradient(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> gamma, float mean, float a, float b, float c, Span<float> dx)
    {
        _ = (dy[..x.Length].Length, gamma[..x.Length].Length, dx[..x.Length].Length);
        int done = Vector512.IsHardwareAccelerated
            ? Gradient<Floats16>(x, dy, gamma, mean, a, b, c, dx, 0)
            : Gradient<Floats8>(x, dy, gamma, mean, a, b, c, dx, 0);
        _ = Gradient<Floats1>(x, dy, gamma, mean, a, b, c, dx, done);
    }

    /// <summary>
    /// Adds the sums over all rows of dy·(x − mean)·inverseDeviation to dGamma and of dy to dBeta, for columns from <paramref name="first"/> on; as many as those have. Goes along
    /// the rows in pieces whose sums stay in the cache, and sums short runs of rows before it adds them up.
    /// </summary>
    public static void AddColumnSums(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> means, ReadOnlySpan<float> inverseDeviations, int width, int first, Span<float> dGamma, Span<float> dBeta)
    {
        Span<float> gammas = stackalloc float[Columns], betas = stackalloc float[Columns];
        for (int column = 0; column < dGamma.Length; column += Columns)
        {
            int count = Math.Min(Columns, dGamma.Length - column);
            for (int start = 0; start < means.Length; start += BlockRows)
            {
                gammas.Clear();
                betas.Clear();
                for (int row = start; row < Math.Min(means.Length, start + BlockRows); row++)
                {
                    ReadOnlySpan<float> xs = x.Slice(row * width + first + column, count), dys = dy.Slice(row * width + first + column, count);
                    int done = Vector512.IsHardwareAccelerated
                        ? AddRow<Floats16>(xs, dys, means[row], inverseDeviations[row], gammas, betas, 0)
                        : AddRow<Floats8>(xs, dys, means[row], inverseDeviations[row], gammas, betas, 0);
                    _ = AddRow<Floats1>(xs, dys, means[row], inverseDeviations[row], gammas, betas, done);
                }

                Sums.Add(gammas[..count], dGamma.Slice(column, count));
                Sums.Add(betas[..count], dBeta.Slice(column, count));
            }
        }
    }

    // The spans of the methods below were checked above; each takes whole vectors from `at` on and returns where they end.
    private static int Apply<T>(ReadOnlySpan<float> x, float mean, float inverseDeviation, ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Span<float> y, int at)
        where T : struct, IFloats<T>
    {
        T means = T.Broadcast(mean), scales = T.Broadcast(inverseDeviation);
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T normal = (T.Load(ref MemoryMarshal.GetReference(x), at) - means) * scales;
            T.MultiplyAdd(normal, T.Load(ref MemoryMarshal.GetReference(gamma), at), T.Load(ref MemoryMarshal.GetReference(beta), at)).Store(ref MemoryMarshal.GetReference(y), at);
        }

        return at;
    }

    private static int AddProducts<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> gamma, float mean, int at, ref double first, ref double second)
        where T : struct, IFloats<T>
    {
        T means = T.Broadcast(mean), f = default, s = default;
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T gradient = T.Load(ref MemoryMarshal.GetReference(dy), at) * T.Load(ref MemoryMarshal.GetReference(gamma), at);
            f += gradient;
            T.AddProduct(gradient, T.Load(ref MemoryMarshal.GetReference(x), at) - means, ref s);
        }

        first += f.Sum();
        second += s.Sum();
        return at;
    }

    private static int Gradient<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReadOnlySpan<float> gamma, float mean, float a, float b, float c, Span<float> dx, int at)
        where T : struct, IFloats<T>
    {
        T means = T.Broadcast(mean), factors = T.Broadcast(a), slopes = T.Broadcast(b), constants = T.Broadcast(c);
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T gradient = T.Load(ref MemoryMarshal.GetReference(dy), at) * T.Load(ref MemoryMarshal.GetReference(gamma), at);
            T rest = T.MultiplyAdd(T.Load(ref MemoryMarshal.GetReference(x), at) - means, slopes, constants);
            T.MultiplyAdd(gradient, factors, rest).Store(ref MemoryMarshal.GetReference(dx), at);
        }

        return at;
    }

    private static int AddRow<T>(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, float mean, float inverseDeviation, Span<float> dGamma, Span<float> dBeta, int at)
        where T : struct, IFloats<T>
    {
        T means = T.Broadcast(mean), scales = T.Broadcast(inverseDeviation);
        for (; at + T.Count <= x.Length; at += T.Count)
        {
            T gradient = T.Load(ref MemoryMarshal.GetReference(dy), at), normal = (T.Load(ref MemoryMarshal.GetReference(x), at) - means) * scales;
            T.MultiplyAdd(gradient, normal, T.Load(ref MemoryMarshal.GetReference(dGamma), at)).Store(ref MemoryMarshal.GetReference(dGamma), at);
            (T.Load(ref MemoryMarshal.GetReference(dBeta), at) + gradient).Store(ref MemoryMarshal.GetReference(dBeta), at);
        }

        return at;
    }
}
