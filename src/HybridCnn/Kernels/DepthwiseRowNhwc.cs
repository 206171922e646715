using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Rows of depthwise convolution of NHWC images with kernels three elements wide: seven pixels at a time stay in registers, each
/// load of a filter serves all of them, and at stride 1 each load of the input three.
/// </summary>
internal static class DepthwiseRowNhwc
{
    /// <summary>Pixels that are computed together; a row has at least so many.</summary>
    public const int Tile = 7;

    // Filters and pixels of so many channels stay in the first-level cache from one tile to the next.
    private const int ChannelsTogether = 128;

    /// <summary>Whether a row of so many pixels is taken: stride 1 or 2, and at most one column beside the input on either side.</summary>
    public static bool Takes(int pixels, int stride, int firstColumn, int columns) =>
        pixels >= Tile && DepthwiseRowGradientNhwc.Takes(pixels, stride, firstColumn, columns);

    /// <summary>
    /// y[q, c] = f(bias[c] + Σ over kernel rows r and k = 0, 1, 2 of x[rows[r] + (firstColumn + q·stride + k)·channels + c] ·
    /// w[taps[r] + k·step, c]) for the pixels q of a row, without the columns beside the input. Overwrites.
    /// </summary>
    /// <param name="function">f.</param>
    /// <param name="x">Where the rows count from.</param>
    /// <param name="columns">Width of the input.</param>
    /// <param name="rows">Per kernel row, where its row of the input starts.</param>
    /// <param name="firstColumn">Column of the first pixel's first element.</param>
    /// <param name="stride">Columns from one pixel to the next.</param>
    /// <param name="w">Filters [elements, channels].</param>
    /// <param name="taps">Per kernel row, the row of <paramref name="w"/> for its first column.</param>
    /// <param name="step">Rows of <paramref name="w"/> from one column to the next: 1, or −1 where the kernel is turned round.</param>
    /// <param name="bias">[channels], or empty.</param>
    /// <param name="y">[pixels, channels].</param>
    /// <param name="pixels">How many.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="fetchAhead">
    /// Whether to ask for what the next row reads and overwrites besides. Processors don't foresee walks that take some lines from each of many pixels: images that
    /// come from memory are up to three times as fast, those in a cache a tenth slower.
    /// </param>
    public static void Run<TFunction>(
        TFunction function, ReadOnlySpan<float> x, int columns, ReadOnlySpan<int> rows, int firstColumn, int stride, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        int step, ReadOnlySpan<float> bias, Span<float> y, int pixels, int channels, bool fetchAhead)
        where TFunction : struct, IActivation
    {
        if (!Takes(pixels, stride, firstColumn, columns))
            throw new ArgumentException($"{pixels} pixels at stride {stride} from column {firstColumn} of {columns} are not a row for this kernel.", nameof(pixels));
        foreach (int row in rows)
            _ = x.Slice(row, columns * channels);
        for (int r = 0; r < rows.Length; r++)
        {
            _ = w.Slice(taps[r] * channels, channels);
            _ = w.Slice((taps[r] + 2 * step) * channels, channels);
        }

        _ = y[..(pixels * channels)];
        if (!bias.IsEmpty)
            _ = bias[..channels];
        int done = 0;
        if (Vector512.IsHardwareAccelerated)
            done = Run<TFunction, Floats16>(function, x, columns, rows, firstColumn, stride, w, taps, step, bias, y, pixels, channels, fetchAhead, done);
        else
            done = Run<TFunction, Floats8>(function, x, columns, rows, firstColumn, stride, w, taps, step, bias, y, pixels, channels, fetchAhead, done);
        done = Run<TFunction, Floats4>(function, x, columns, rows, firstColumn, stride, w, taps, step, bias, y, pixels, channels, fetchAhead, done);
        _ = Run<TFunction, Floats1>(function, x, columns, rows, firstColumn, stride, w, taps, step, bias, y, pixels, channels, fetchAhead, done);
    }

    // Channels from `channel` on as far as whole vectors go; returns where they end. The spans were checked.
    private static int Run<TFunction, T>(
        TFunction function, ReadOnlySpan<float> x, int columns, ReadOnlySpan<int> rows, int firstColumn, int stride, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        int step, ReadOnlySpan<float> bias, Span<float> y, int pixels, int channels, bool fetchAhead, int channel)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        int end = channel + (channels - channel) / T.Count * T.Count, newest = 0;
        foreach (int row in rows)
            newest = Math.Max(newest, row);
        // From the first pixel of a tile to that below, and where the row below the newest one starts.
        (int Y, int X) ahead = fetchAhead ? (pixels * channels, newest + columns * channels) : default;
        for (; channel < end; channel = Math.Min(channel + ChannelsTogether, end))
        {
            int blockEnd = Math.Min(channel + ChannelsTogether, end);
            // The last tile overlaps the one before it, so that there are no pixels left over.
            for (int done = 0; done < pixels; done += Tile)
            {
                int pixel = Math.Min(done, pixels - Tile), column = firstColumn + pixel * stride;
                if (stride == 1)
                    Tile1<TFunction, T>(function, x, columns, rows, column, w, taps, step, bias, y[(pixel * channels)..], channels, channel, blockEnd, ahead);
                else
                    Tile2<TFunction, T>(function, x, columns, rows, column, w, taps, step, bias, y[(pixel * channels)..], channels, channel, blockEnd, ahead);
            }
        }

        return end;
    }

    private static void Tile1<TFunction, T>(
        TFunction function, ReadOnlySpan<float> x, int columns, ReadOnlySpan<int> rows, int column, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        nint step, ReadOnlySpan<float> bias, Span<float> y, nint channels, nint channel, nint end, (int Y, int X) ahead)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float filters = ref MemoryMarshal.GetReference(w);
        ref float to = ref MemoryMarshal.GetReference(y);
        bool left = column >= 0, right = column + Tile + 1 < columns;
        for (; channel < end; channel += T.Count)
        {
            T a = bias.IsEmpty ? default : T.Load(ref MemoryMarshal.GetReference(bias), channel), b = a, c = a, d = a, e = a, f = a, g = a;
            if (ahead.Y > 0)
            {
                Fetch(ref to, ahead.Y + channel, channels);
                Fetch(ref from, ahead.X + column * channels + channel, channels);
            }

            for (int r = 0; r < rows.Length; r++)
            {
                nint at = rows[r] + column * channels + channel, weight = taps[r] * channels + channel;
                T w0 = T.Load(ref filters, weight), w1 = T.Load(ref filters, weight + step * channels), w2 = T.Load(ref filters, weight + 2 * step * channels);
                if (left)
                    T.AddProduct(T.Load(ref from, at), w0, ref a);
                T value = T.Load(ref from, at += channels);
                (a, b) = (T.MultiplyAdd(value, w1, a), T.MultiplyAdd(value, w0, b));
                value = T.Load(ref from, at += channels);
                (a, b, c) = (T.MultiplyAdd(value, w2, a), T.MultiplyAdd(value, w1, b), T.MultiplyAdd(value, w0, c));
                value = T.Load(ref from, at += channels);
                (b, c, d) = (T.MultiplyAdd(value, w2, b), T.MultiplyAdd(value, w1, c), T.MultiplyAdd(value, w0, d));
                value = T.Load(ref from, at += channels);
                (c, d, e) = (T.MultiplyAdd(value, w2, c), T.MultiplyAdd(value, w1, d), T.MultiplyAdd(value, w0, e));
                value = T.Load(ref from, at += channels);
                (d, e, f) = (T.MultiplyAdd(value, w2, d), T.MultiplyAdd(value, w1, e), T.MultiplyAdd(value, w0, f));
                value = T.Load(ref from, at += channels);
                (e, f, g) = (T.MultiplyAdd(value, w2, e), T.MultiplyAdd(value, w1, f), T.MultiplyAdd(value, w0, g));
                value = T.Load(ref from, at += channels);
                (f, g) = (T.MultiplyAdd(value, w2, f), T.MultiplyAdd(value, w1, g));
                if (right)
                    T.AddProduct(T.Load(ref from, at + channels), w2, ref g);
            }

            Store(function, a, b, c, d, e, f, g, ref to, channel, channels);
        }
    }

    private static void Tile2<TFunction, T>(
        TFunction function, ReadOnlySpan<float> x, int columns, ReadOnlySpan<int> rows, int column, ReadOnlySpan<float> w, ReadOnlySpan<int> taps,
        nint step, ReadOnlySpan<float> bias, Span<float> y, nint channels, nint channel, nint end, (int Y, int X) ahead)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float filters = ref MemoryMarshal.GetReference(w);
        ref float to = ref MemoryMarshal.GetReference(y);
        bool left = column >= 0, right = column + 2 * Tile < columns;
        for (; channel < end; channel += T.Count)
        {
            T a = bias.IsEmpty ? default : T.Load(ref MemoryMarshal.GetReference(bias), channel), b = a, c = a, d = a, e = a, f = a, g = a;
            if (ahead.Y > 0)
            {
                // Of two rows, twice as many pixels.
                nint at = ahead.X + column * channels + channel, below = at + columns * channels;
                Fetch(ref to, ahead.Y + channel, channels);
                Fetch(ref from, at, channels);
                Fetch(ref from, at + Tile * channels, channels);
                Fetch(ref from, below, channels);
                Fetch(ref from, below + Tile * channels, channels);
            }

            for (int r = 0; r < rows.Length; r++)
            {
                nint at = rows[r] + column * channels + channel, weight = taps[r] * channels + channel;
                T w0 = T.Load(ref filters, weight), w1 = T.Load(ref filters, weight + step * channels), w2 = T.Load(ref filters, weight + 2 * step * channels);
                if (left)
                    T.AddProduct(T.Load(ref from, at), w0, ref a);
                T.AddProduct(T.Load(ref from, at += channels), w1, ref a);
                T value = T.Load(ref from, at += channels);
                (a, b) = (T.MultiplyAdd(value, w2, a), T.MultiplyAdd(value, w0, b));
                T.AddProduct(T.Load(ref from, at += channels), w1, ref b);
                value = T.Load(ref from, at += channels);
                (b, c) = (T.MultiplyAdd(value, w2, b), T.MultiplyAdd(value, w0, c));
                T.AddProduct(T.Load(ref from, at += channels), w1, ref c);
                value = T.Load(ref from, at += channels);
                (c, d) = (T.MultiplyAdd(value, w2, c), T.MultiplyAdd(value, w0, d));
                T.AddProduct(T.Load(ref from, at += channels), w1, ref d);
                value = T.Load(ref from, at += channels);
                (d, e) = (T.MultiplyAdd(value, w2, d), T.MultiplyAdd(value, w0, e));
                T.AddProduct(T.Load(ref from, at += channels), w1, ref e);
                value = T.Load(ref from, at += channels);
                (e, f) = (T.MultiplyAdd(value, w2, e), T.MultiplyAdd(value, w0, f));
                T.AddProduct(T.Load(ref from, at += channels), w1, ref f);
                value = T.Load(ref from, at += channels);
                (f, g) = (T.MultiplyAdd(value, w2, f), T.MultiplyAdd(value, w0, g));
                T.AddProduct(T.Load(ref from, at += channels), w1, ref g);
                if (right)
                    T.AddProduct(T.Load(ref from, at + channels), w2, ref g);
            }

            Store(function, a, b, c, d, e, f, g, ref to, channel, channels);
        }
    }

    // A line of each pixel of a tile. Beyond the image, too, where it does no harm.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(ref float from, nint at, nint channels)
    {
        Prefetch.Line(ref from, at);
        Prefetch.Line(ref from, at + channels);
        Prefetch.Line(ref from, at + 2 * channels);
        Prefetch.Line(ref from, at + 3 * channels);
        Prefetch.Line(ref from, at + 4 * channels);
        Prefetch.Line(ref from, at + 5 * channels);
        Prefetch.Line(ref from, at + 6 * channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TFunction, T>(TFunction function, T a, T b, T c, T d, T e, T f, T g, ref float to, nint at, nint channels)
        where TFunction : struct, IActivation
        where T : struct, IFloats<T>
    {
        function.Value(a).Store(ref to, at);
        function.Value(b).Store(ref to, at += channels);
        function.Value(c).Store(ref to, at += channels);
        function.Value(d).Store(ref to, at += channels);
        function.Value(e).Store(ref to, at += channels);
        function.Value(f).Store(ref to, at += channels);
        function.Value(g).Store(ref to, at + channels);
    }
}
