using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// The passes of batch normalization over rows of channels, x [rows, C]: an NHWC image is its pixels. Sums are taken in float32 over short
/// runs of rows and in double beyond. What a channel's numbers mean is said in <see cref="Normalization"/>.
/// </summary>
internal static class NormalizationNhwc
{
    // Rows that are summed in float32: 64 · 2^-24 is the most that a sum of squares loses.
    private const int BlockRows = 64;

    /// <summary>Adds Σ (x − shift) and Σ (x − shift)² of every channel to first and second.</summary>
    public static void AddMoments(ReadOnlySpan<float> x, ReadOnlySpan<float> shift, Span<double> first, Span<double> second) =>
        AddSums(x, x, default, shift, first, second, moments: true);

    /// <summary>Adds Σ dy and Σ dy·(x − shift) of every channel to first and second; dy counts only where relu, if there is one, lets it pass; shift is the mean then.</summary>
    public static void AddProducts(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift, Span<double> first, Span<double> second) =>
        AddSums(x, dy, relu, shift, first, second, moments: false);

    /// <summary>y = (x − mean)·scale + offset, and if there is a ReLU, of that ceiling, what it makes of it. Overwrites; y may be x.</summary>
    public static void Apply(
        ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float? relu, Span<float> y)
    {
        int channels = mean.Length;
        _ = y[..x.Length];
        _ = scale[..channels];
        _ = offset[..channels];
        int done = 0;
        if (Vector512.IsHardwareAccelerated)
            done = Apply<Floats16>(x, mean, scale, offset, relu, y, done);
        else
            done = Apply<Floats8>(x, mean, scale, offset, relu, y, done);
        done = Apply<Floats4>(x, mean, scale, offset, relu, y, done);
        _ = Apply<Floats1>(x, mean, scale, offset, relu, y, done);
    }

    /// <summary>dx = dy·a + (x − mean)·b + c; dy counts only where relu, if there is one, lets it pass. Overwrites; dx may be dy.</summary>
    public static void Gradient(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> mean,
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> dx)
    {
        int channels = mean.Length;
        _ = dy[..x.Length];
        _ = dx[..x.Length];
        _ = a[..channels];
        _ = b[..channels];
        _ = c[..channels];
        Check(relu, channels);
        int done = 0;
        if (Vector512.IsHardwareAccelerated)
            done = Gradient<Floats16>(x, dy, relu, mean, a, b, c, dx, done);
        else
            done = Gradient<Floats8>(x, dy, relu, mean, a, b, c, dx, done);
        done = Gradient<Floats4>(x, dy, relu, mean, a, b, c, dx, done);
        _ = Gradient<Floats1>(x, dy, relu, mean, a, b, c, dx, done);
    }

    private static void AddSums(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift,
        Span<double> first, Span<double> second, bool moments)
    {
        int channels = shift.Length, rows = x.Length / channels;
        _ = dy[..x.Length];
        _ = first[..channels];
        _ = second[..channels];
        Check(relu, channels);
        for (int row = 0; row < rows; row += BlockRows)
        {
            int start = row * channels, length = Math.Min(BlockRows, rows - row) * channels;
            ReadOnlySpan<float> xs = x.Slice(start, length), dys = dy.Slice(start, length);
            int done = 0;
            if (Vector512.IsHardwareAccelerated)
                done = AddSums<Floats16>(xs, dys, relu, shift, first, second, moments, done);
            else
                done = AddSums<Floats8>(xs, dys, relu, shift, first, second, moments, done);
            done = AddSums<Floats4>(xs, dys, relu, shift, first, second, moments, done);
            _ = AddSums<Floats1>(xs, dys, relu, shift, first, second, moments, done);
        }
    }

    // The spans of the methods below were checked above: all rows are within x's length.
    private static int AddSums<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> shift,
        Span<double> first, Span<double> second, bool moments, int channel)
        where T : struct, IFloats<T>
    {
        bool masked = !relu.IsEmpty;
        ref float scale = ref MemoryMarshal.GetReference(relu.Scale);
        ref float offset = ref MemoryMarshal.GetReference(relu.Offset);
        T ceiling = T.Broadcast(relu.Ceiling);
        // Four vectors abreast: whole cache lines side by side, and enough sums to hide the latency of an addition.
        for (; channel + 4 * T.Count <= shift.Length; channel += 4 * T.Count)
        {
            T f0 = default, f1 = default, f2 = default, f3 = default, s0 = default, s1 = default, s2 = default, s3 = default;
            for (int at = channel; at < x.Length; at += shift.Length)
            {
                Accumulate(x, dy, masked, ref scale, ref offset, ceiling, shift, moments, channel, at, ref f0, ref s0);
                Accumulate(x, dy, masked, ref scale, ref offset, ceiling, shift, moments, channel + T.Count, at + T.Count, ref f1, ref s1);
                Accumulate(x, dy, masked, ref scale, ref offset, ceiling, shift, moments, channel + 2 * T.Count, at + 2 * T.Count, ref f2, ref s2);
                Accumulate(x, dy, masked, ref scale, ref offset, ceiling, shift, moments, channel + 3 * T.Count, at + 3 * T.Count, ref f3, ref s3);
            }

            Add(f0, first[channel..]);
            Add(f1, first[(channel + T.Count)..]);
            Add(f2, first[(channel + 2 * T.Count)..]);
            Add(f3, first[(channel + 3 * T.Count)..]);
            Add(s0, second[channel..]);
            Add(s1, second[(channel + T.Count)..]);
            Add(s2, second[(channel + 2 * T.Count)..]);
            Add(s3, second[(channel + 3 * T.Count)..]);
        }

        for (; channel + T.Count <= shift.Length; channel += T.Count)
        {
            T f = default, s = default;
            for (int at = channel; at < x.Length; at += shift.Length)
                Accumulate(x, dy, masked, ref scale, ref offset, ceiling, shift, moments, channel, at, ref f, ref s);
            Add(f, first[channel..]);
            Add(s, second[channel..]);
        }

        return channel;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, bool masked, ref float scale, ref float offset, T ceiling, ReadOnlySpan<float> shift, bool moments,
        int channel, int at, ref T first, ref T second)
        where T : struct, IFloats<T>
    {
        T difference = T.Load(ref MemoryMarshal.GetReference(x), at) - T.Load(ref MemoryMarshal.GetReference(shift), channel);
        T factor = difference;
        if (!moments)
        {
            factor = T.Load(ref MemoryMarshal.GetReference(dy), at);
            // What Apply has computed, in the same way.
            if (masked)
                factor = Passed(T.MultiplyAdd(difference, T.Load(ref scale, channel), T.Load(ref offset, channel)), ceiling, factor);
        }

        first += factor;
        second = T.MultiplyAdd(factor, difference, second);
    }

    // What a ReLU lets pass of a gradient, for the value before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Passed<T>(T value, T ceiling, T gradient)
        where T : struct, IFloats<T> => T.WherePositive(value, T.WherePositive(ceiling - value, gradient));

    private static void Check(ReluMask relu, int channels)
    {
        if (!relu.IsEmpty)
            _ = (relu.Scale[..channels].Length, relu.Offset[..channels].Length);
    }

    private static void Add<T>(T sums, Span<double> totals)
        where T : struct, IFloats<T>
    {
        Span<float> values = stackalloc float[16];
        sums.Store(ref MemoryMarshal.GetReference(values), 0);
        for (int i = 0; i < T.Count; i++)
            totals[i] += values[i];
    }

    private static int Apply<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float? relu, Span<float> y, int channel)
        where T : struct, IFloats<T>
    {
        int channels = mean.Length, end = channel + (channels - channel) / T.Count * T.Count;
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y);
        bool rectify = relu is not null;
        T ceiling = T.Broadcast(relu ?? 0);
        for (int row = 0; row < x.Length && channel < end; row += channels)
        {
            for (int c = channel; c < end; c += T.Count)
            {
                T difference = T.Load(ref from, row + c) - T.Load(ref MemoryMarshal.GetReference(mean), c);
                T value = T.MultiplyAdd(difference, T.Load(ref MemoryMarshal.GetReference(scale), c), T.Load(ref MemoryMarshal.GetReference(offset), c));
                (rectify ? T.Min(T.Rectify(value), ceiling) : value).Store(ref to, row + c);
            }
        }

        return end;
    }

    private static int Gradient<T>(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, ReluMask relu, ReadOnlySpan<float> mean,
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> dx, int channel)
        where T : struct, IFloats<T>
    {
        bool masked = !relu.IsEmpty;
        // Two vectors of channels down all rows: their numbers stay in registers, and pairs of cache lines are read together.
        for (; channel + 2 * T.Count <= mean.Length; channel += 2 * T.Count)
        {
            var first = new Channels<T>(relu, mean, a, b, c, channel);
            var second = new Channels<T>(relu, mean, a, b, c, channel + T.Count);
            for (int at = channel; at < x.Length; at += mean.Length)
            {
                first.Gradient(x, dy, masked, dx, at);
                second.Gradient(x, dy, masked, dx, at + T.Count);
            }
        }

        for (; channel + T.Count <= mean.Length; channel += T.Count)
        {
            var only = new Channels<T>(relu, mean, a, b, c, channel);
            for (int at = channel; at < x.Length; at += mean.Length)
                only.Gradient(x, dy, masked, dx, at);
        }

        return channel;
    }

    // The numbers of a vector of channels.
    private readonly struct Channels<T>
        where T : struct, IFloats<T>
    {
        private readonly T _mean, _scale, _offset, _ceiling, _a, _b, _c;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Channels(ReluMask relu, ReadOnlySpan<float> mean, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, int channel)
        {
            _mean = T.Load(ref MemoryMarshal.GetReference(mean), channel);
            _scale = relu.IsEmpty ? default : T.Load(ref MemoryMarshal.GetReference(relu.Scale), channel);
            _offset = relu.IsEmpty ? default : T.Load(ref MemoryMarshal.GetReference(relu.Offset), channel);
            _ceiling = T.Broadcast(relu.Ceiling);
            _a = T.Load(ref MemoryMarshal.GetReference(a), channel);
            _b = T.Load(ref MemoryMarshal.GetReference(b), channel);
            _c = T.Load(ref MemoryMarshal.GetReference(c), channel);
        }

        // The ReLU's condition is what Apply has computed, in the same way.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Gradient(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, bool masked, Span<float> dx, int at)
        {
            T difference = T.Load(ref MemoryMarshal.GetReference(x), at) - _mean;
            T gradient = T.Load(ref MemoryMarshal.GetReference(dy), at);
            if (masked)
                gradient = Passed(T.MultiplyAdd(difference, _scale, _offset), _ceiling, gradient);
            T.MultiplyAdd(gradient, _a, T.MultiplyAdd(difference, _b, _c)).Store(ref MemoryMarshal.GetReference(dx), at);
        }
    }
}
