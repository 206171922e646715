using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Depthwise convolution of NHWC images, vectors over the channels. All three passes are made of strips: pixels in a row of
/// which each sees the same kernel elements (taps). A strip knows nothing of padding: where a tap falls beside the image, its
/// caller leaves the tap out.
/// </summary>
internal static class DepthwiseNhwc
{
    // Filters and pixels of so many channels stay in the first-level cache from one group of pixels to the next.
    private const int ChannelsTogether = 128;

    /// <summary>y[q, c] = bias[c] + Σ over taps t of x[offset t + q·strideX + c] · w[t, c] for the pixels q of a strip. Overwrites.</summary>
    /// <param name="x">Where the offsets count from.</param>
    /// <param name="strideX">Floats from one pixel's input to the next one's.</param>
    /// <param name="offsets">Per tap, where the first pixel's input is.</param>
    /// <param name="w">Filters [taps, channels].</param>
    /// <param name="taps">Per tap, its row of <paramref name="w"/>.</param>
    /// <param name="bias">[channels], or empty.</param>
    /// <param name="y">The first pixel.</param>
    /// <param name="strideY">Floats from one pixel to the next.</param>
    /// <param name="pixels">How many.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="ahead">How far ahead of a pixel to ask for what will be overwritten there; 0 where it is not far.</param>
    public static void Strip(
        ReadOnlySpan<float> x, int strideX, ReadOnlySpan<int> offsets, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        ReadOnlySpan<float> bias, Span<float> y, int strideY, int pixels, int channels, int ahead)
    {
        foreach (int offset in offsets)
            _ = x.Slice(offset, (pixels - 1) * strideX + channels);
        foreach (int tap in taps)
            _ = w.Slice(tap * channels, channels);
        _ = y[..((pixels - 1) * strideY + channels)];
        if (!bias.IsEmpty)
            _ = bias[..channels];
        int done = 0;
        if (Vector512.IsHardwareAccelerated)
            done = Strip<Floats16>(x, strideX, offsets, w, taps, bias, y, strideY, pixels, channels, ahead, done);
        else
            done = Strip<Floats8>(x, strideX, offsets, w, taps, bias, y, strideY, pixels, channels, ahead, done);
        done = Strip<Floats4>(x, strideX, offsets, w, taps, bias, y, strideY, pixels, channels, ahead, done);
        _ = Strip<Floats1>(x, strideX, offsets, w, taps, bias, y, strideY, pixels, channels, ahead, done);
    }

    /// <summary>Adds Σ over rows r and pixels q of x[offset t + r·rowX + q·strideX + c] · dy[r·rowY + q·strideY + c] to sums[t, c].</summary>
    /// <param name="x">Where the offsets count from.</param>
    /// <param name="strideX">Floats from one pixel's input to the next one's.</param>
    /// <param name="rowX">Floats from one row's input to the next one's.</param>
    /// <param name="offsets">Per tap, where the first pixel's input is.</param>
    /// <param name="taps">Per tap, its row of <paramref name="sums"/>.</param>
    /// <param name="dy">The first pixel's gradient.</param>
    /// <param name="strideY">Floats from one pixel's gradient to the next one's.</param>
    /// <param name="rowY">Floats from one row's gradient to the next one's.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="pixels">How many pixels of each row.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="sums">A row per tap.</param>
    /// <param name="stride">Floats from one tap's sums to the next one's.</param>
    public static void AddProducts(
        ReadOnlySpan<float> x, int strideX, int rowX, ReadOnlySpan<int> offsets, ReadOnlySpan<int> taps,
        ReadOnlySpan<float> dy, int strideY, int rowY, int rows, int pixels, int channels, Span<float> sums, int stride)
    {
        foreach (int offset in offsets)
            _ = x.Slice(offset, (rows - 1) * rowX + (pixels - 1) * strideX + channels);
        foreach (int tap in taps)
            _ = sums.Slice(tap * stride, channels);
        _ = dy[..((rows - 1) * rowY + (pixels - 1) * strideY + channels)];
        int done = 0;
        if (Vector512.IsHardwareAccelerated)
            done = AddProducts<Floats16>(x, strideX, rowX, offsets, taps, dy, strideY, rowY, rows, pixels, channels, sums, stride, done);
        else
            done = AddProducts<Floats8>(x, strideX, rowX, offsets, taps, dy, strideY, rowY, rows, pixels, channels, sums, stride, done);
        done = AddProducts<Floats4>(x, strideX, rowX, offsets, taps, dy, strideY, rowY, rows, pixels, channels, sums, stride, done);
        _ = AddProducts<Floats1>(x, strideX, rowX, offsets, taps, dy, strideY, rowY, rows, pixels, channels, sums, stride, done);
    }

    // Channels from `channel` on as far as whole vectors go; returns where they end. The spans were checked.
    private static int Strip<T>(
        ReadOnlySpan<float> x, nint strideX, ReadOnlySpan<int> offsets, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        ReadOnlySpan<float> bias, Span<float> y, nint strideY, int pixels, int channels, int ahead, int channel)
        where T : struct, IFloats<T>
    {
        int end = channel + (channels - channel) / T.Count * T.Count;
        for (; channel < end; channel = Math.Min(channel + ChannelsTogether, end))
            Strip<T>(x, strideX, offsets, w, taps, bias, y, strideY, pixels, channels, ahead, channel, Math.Min(channel + ChannelsTogether, end));
        return end;
    }

    // Pixels outside, channels inside: memory is read in its order, and channels a power of two apart don't meet in one cache set.
    private static void Strip<T>(
        ReadOnlySpan<float> x, nint strideX, ReadOnlySpan<int> offsets, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        ReadOnlySpan<float> bias, Span<float> y, nint strideY, int pixels, nint channels, nint ahead, nint first, nint end)
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float filters = ref MemoryMarshal.GetReference(w);
        ref float to = ref MemoryMarshal.GetReference(y);
        ref float biases = ref MemoryMarshal.GetReference(bias);
        int pixel = 0;
        // Four pixels share each load of a filter, and hide the latency of a sum.
        for (; pixel + 4 <= pixels; pixel += 4)
        {
            for (nint channel = first; channel < end; channel += T.Count)
            {
                T a = bias.IsEmpty ? default : T.Load(ref biases, channel), b = a, c = a, d = a;
                nint at = pixel * strideX + channel;
                for (int i = 0; i < offsets.Length; i++)
                {
                    nint source = at + offsets[i];
                    T weight = T.Load(ref filters, taps[i] * channels + channel);
                    T.AddProduct(T.Load(ref from, source), weight, ref a);
                    T.AddProduct(T.Load(ref from, source + strideX), weight, ref b);
                    T.AddProduct(T.Load(ref from, source + 2 * strideX), weight, ref c);
                    T.AddProduct(T.Load(ref from, source + 3 * strideX), weight, ref d);
                }

                nint target = pixel * strideY + channel;
                for (nint i = 0; i < 4 && ahead > 0; i++)
                    Prefetch.Line(ref to, target + ahead + i * strideY);
                a.Store(ref to, target);
                b.Store(ref to, target + strideY);
                c.Store(ref to, target + 2 * strideY);
                d.Store(ref to, target + 3 * strideY);
            }
        }

        for (; pixel < pixels; pixel++)
        {
            for (nint channel = first; channel < end; channel += T.Count)
            {
                T a = bias.IsEmpty ? default : T.Load(ref biases, channel);
                for (int i = 0; i < offsets.Length; i++)
                    T.AddProduct(T.Load(ref from, pixel * strideX + channel + offsets[i]), T.Load(ref filters, taps[i] * channels + channel), ref a);
                a.Store(ref to, pixel * strideY + channel);
            }
        }
    }

    private static int AddProducts<T>(
        ReadOnlySpan<float> x, nint strideX, nint rowX, ReadOnlySpan<int> offsets, ReadOnlySpan<int> taps,
        ReadOnlySpan<float> dy, nint strideY, nint rowY, int rows, int pixels, int channels, Span<float> sums, int stride, int channel)
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float gradient = ref MemoryMarshal.GetReference(dy);
        ref float to = ref MemoryMarshal.GetReference(sums);
        for (; channel + T.Count <= channels; channel += T.Count)
        {
            int i = 0;
            // A row of a 3x3 kernel shares each load of dy.
            for (; i + 3 <= offsets.Length; i += 3)
            {
                T a = default, b = default, c = default;
                for (int row = 0; row < rows; row++)
                {
                    nint first = row * rowX + channel, g = row * rowY + channel;
                    nint x0 = first + offsets[i], x1 = first + offsets[i + 1], x2 = first + offsets[i + 2];
                    for (int pixel = 0; pixel < pixels; pixel++)
                    {
                        T value = T.Load(ref gradient, g);
                        T.AddProduct(T.Load(ref from, x0), value, ref a);
                        T.AddProduct(T.Load(ref from, x1), value, ref b);
                        T.AddProduct(T.Load(ref from, x2), value, ref c);
                        (x0, x1, x2, g) = (x0 + strideX, x1 + strideX, x2 + strideX, g + strideY);
                    }
                }

                Add(a, ref to, (nint)taps[i] * stride + channel);
                Add(b, ref to, (nint)taps[i + 1] * stride + channel);
                Add(c, ref to, (nint)taps[i + 2] * stride + channel);
            }

            for (; i < offsets.Length; i++)
            {
                T a = default;
                for (int row = 0; row < rows; row++)
                {
                    nint first = row * rowX + offsets[i] + channel, g = row * rowY + channel;
                    for (int pixel = 0; pixel < pixels; pixel++)
                        T.AddProduct(T.Load(ref from, first + pixel * strideX), T.Load(ref gradient, g + pixel * strideY), ref a);
                }

                Add(a, ref to, (nint)taps[i] * stride + channel);
            }
        }

        return channel;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(T value, ref float to, nint offset)
        where T : struct, IFloats<T> => (T.Load(ref to, offset) + value).Store(ref to, offset);
}
