using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Weight gradients of depthwise convolution of NHWC images with 3x3 kernels: the nine sums of a vector of channels stay in registers, as nine chains
/// of additions that hide each other's latency, and at stride 1 each load of the input serves three of them.
/// </summary>
internal static class DepthwiseRowGradientNhwc
{
    /// <summary>Rows and columns of the kernel.</summary>
    public const int Side = 3;

    /// <summary>Whether a row of so many pixels is taken: stride 1 or 2, and at most one column beside the input on either side.</summary>
    public static bool Takes(int pixels, int stride, int firstColumn, int columns) =>
        stride is 1 or 2 && firstColumn is 0 or -1 && (pixels - 1) * stride + firstColumn + 2 <= columns;

    /// <summary>
    /// Adds Σ over rows r and pixels q of x[lines[i] + r·rowX + (firstColumn + q·stride + k)·pitch + c] · dy[(r·pixels + q)·pitch + c] to
    /// sums[taps[i] + k, c] for the kernel rows i and k = 0, 1, 2, without the columns beside the input.
    /// </summary>
    /// <param name="x">Where the lines count from.</param>
    /// <param name="columns">Width of the input.</param>
    /// <param name="lines">Per kernel row, one to three, where its line of the input starts.</param>
    /// <param name="rowX">Floats from one row's input to the next one's.</param>
    /// <param name="firstColumn">Column of the first pixel's first element.</param>
    /// <param name="stride">Columns from one pixel to the next.</param>
    /// <param name="dy">The first pixel's gradient.</param>
    /// <param name="rows">How many rows, all of which reach these kernel rows.</param>
    /// <param name="pixels">Of a row.</param>
    /// <param name="pitch">Floats from one pixel to the next, and from one tap's sums to the next one's.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="sums">A row per tap.</param>
    /// <param name="taps">Per kernel row, the row of <paramref name="sums"/> for its first column.</param>
    public static void AddProducts(
        ReadOnlySpan<float> x, int columns, ReadOnlySpan<int> lines, int rowX, int firstColumn, int stride,
        ReadOnlySpan<float> dy, int rows, int pixels, int pitch, int channels, Span<float> sums, ReadOnlySpan<int> taps)
    {
        if (!Takes(pixels, stride, firstColumn, columns))
            throw new ArgumentException($"{pixels} pixels at stride {stride} from column {firstColumn} of {columns} are not a row for this kernel.", nameof(pixels));
        if (lines.Length is 0 or > Side)
            throw new ArgumentException($"{lines.Length} kernel rows are not one to three.", nameof(lines));
        foreach (int line in lines)
            _ = x.Slice(line, (rows - 1) * rowX + (columns - 1) * pitch + channels);
        foreach (int tap in taps[..lines.Length])
            _ = sums.Slice(tap * pitch, (Side - 1) * pitch + channels);
        _ = dy[..((rows * pixels - 1) * pitch + channels)];
        var walk = new Walk(columns, rowX, firstColumn, rows, pixels, pitch, channels);
        if (stride == 1)
            AddProducts<Yes>(walk, x, lines, dy, sums, taps);
        else
            AddProducts<No>(walk, x, lines, dy, sums, taps);
    }

    private static void AddProducts<TDense>(in Walk walk, ReadOnlySpan<float> x, ReadOnlySpan<int> lines, ReadOnlySpan<float> dy, Span<float> sums, ReadOnlySpan<int> taps)
        where TDense : struct, IFlag
    {
        nint done = 0;
        if (Vector512.IsHardwareAccelerated)
            done = AddProducts<TDense, Floats16>(walk, x, lines, dy, sums, taps, done);
        else
            done = AddProducts<TDense, Floats8>(walk, x, lines, dy, sums, taps, done);
        done = AddProducts<TDense, Floats4>(walk, x, lines, dy, sums, taps, done);
        _ = AddProducts<TDense, Floats1>(walk, x, lines, dy, sums, taps, done);
    }

    // Channels from `channel` on as far as whole vectors go; returns where they end. The spans were checked.
    private static nint AddProducts<TDense, T>(
        in Walk walk, ReadOnlySpan<float> x, ReadOnlySpan<int> lines, ReadOnlySpan<float> dy, Span<float> sums, ReadOnlySpan<int> taps, nint channel)
        where TDense : struct, IFlag
        where T : struct, IFloats<T>
    {
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float gradient = ref MemoryMarshal.GetReference(dy);
        ref float to = ref MemoryMarshal.GetReference(sums);
        nint pitch = walk.Pitch, step = TDense.IsSet ? pitch : 2 * pitch;
        // A kernel row beside the image takes the sums of the first one, which are dropped: that costs less than loops for one and two rows.
        nint line0 = lines[0] + walk.FirstColumn * pitch, line1 = lines[lines.Length > 1 ? 1 : 0] + walk.FirstColumn * pitch, line2 = lines[^1] + walk.FirstColumn * pitch;
        int stride = TDense.IsSet ? 1 : 2;
        int whole = (walk.Pixels - 1) * stride + walk.FirstColumn + 2 < walk.Columns ? walk.Pixels : walk.Pixels - 1;
        for (; channel + T.Count <= walk.Channels; channel += T.Count)
        {
            T s00 = default, s01 = default, s02 = default, s10 = default, s11 = default, s12 = default, s20 = default, s21 = default, s22 = default;
            nint g = channel;
            for (int row = 0; row < walk.Rows; row++)
            {
                // Left, middle and right of the three columns that a pixel reaches.
                nint x0 = row * walk.RowX + line0 + channel, x1 = row * walk.RowX + line1 + channel, x2 = row * walk.RowX + line2 + channel;
                T l0 = default, l1 = default, l2 = default;
                if (walk.FirstColumn >= 0)
                    (l0, l1, l2) = (T.Load(ref from, x0), T.Load(ref from, x1), T.Load(ref from, x2));
                (x0, x1, x2) = (x0 + pitch, x1 + pitch, x2 + pitch);
                T m0 = T.Load(ref from, x0), m1 = T.Load(ref from, x1), m2 = T.Load(ref from, x2), value;
                for (int pixel = 0; pixel < whole; pixel++, g += pitch)
                {
                    value = T.Load(ref gradient, g);
                    if (!TDense.IsSet)
                        (m0, m1, m2) = (T.Load(ref from, x0), T.Load(ref from, x1), T.Load(ref from, x2));
                    T r0 = T.Load(ref from, x0 + pitch), r1 = T.Load(ref from, x1 + pitch), r2 = T.Load(ref from, x2 + pitch);
                    (s00, s01, s02) = (T.MultiplyAdd(l0, value, s00), T.MultiplyAdd(m0, value, s01), T.MultiplyAdd(r0, value, s02));
                    (s10, s11, s12) = (T.MultiplyAdd(l1, value, s10), T.MultiplyAdd(m1, value, s11), T.MultiplyAdd(r1, value, s12));
                    (s20, s21, s22) = (T.MultiplyAdd(l2, value, s20), T.MultiplyAdd(m2, value, s21), T.MultiplyAdd(r2, value, s22));
                    (l0, l1, l2) = TDense.IsSet ? (m0, m1, m2) : (r0, r1, r2);
                    (m0, m1, m2) = (r0, r1, r2);
                    (x0, x1, x2) = (x0 + step, x1 + step, x2 + step);
                }

                if (whole == walk.Pixels)
                    continue;
                value = T.Load(ref gradient, g);
                if (!TDense.IsSet)
                    (m0, m1, m2) = (T.Load(ref from, x0), T.Load(ref from, x1), T.Load(ref from, x2));
                (s00, s01) = (T.MultiplyAdd(l0, value, s00), T.MultiplyAdd(m0, value, s01));
                (s10, s11) = (T.MultiplyAdd(l1, value, s10), T.MultiplyAdd(m1, value, s11));
                (s20, s21) = (T.MultiplyAdd(l2, value, s20), T.MultiplyAdd(m2, value, s21));
                g += pitch;
            }

            Add(s00, s01, s02, ref to, taps[0] * pitch + channel, pitch);
            if (lines.Length > 1)
                Add(s10, s11, s12, ref to, taps[1] * pitch + channel, pitch);
            if (lines.Length > 2)
                Add(s20, s21, s22, ref to, taps[2] * pitch + channel, pitch);
        }

        return channel;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(T a, T b, T c, ref float to, nint at, nint pitch)
        where T : struct, IFloats<T>
    {
        (T.Load(ref to, at) + a).Store(ref to, at);
        (T.Load(ref to, at + pitch) + b).Store(ref to, at + pitch);
        (T.Load(ref to, at + 2 * pitch) + c).Store(ref to, at + 2 * pitch);
    }

    private readonly record struct Walk(int Columns, nint RowX, nint FirstColumn, int Rows, int Pixels, nint Pitch, int Channels);
}
