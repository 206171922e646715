using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// The transforms of a range of tiles between NHWC images and the domain of the products, over the channels of a register
/// at a time. There, product (i, j) of every tile is one matrix [tiles, channels]; the matrices follow each other at a
/// distance (<c>stride</c>) that should not be a multiple of a large power of two.
/// </summary>
internal static unsafe class WinogradTransforms<TForm>
    where TForm : struct, IWinogradForm
{
    private const int MaxRegister = 16;

    // A multiple of every register.
    private const int GroupChannels = 64;

    /// <summary>v = Bᵀ d B of every tile's window of x.</summary>
    /// <param name="tiles">The cut of the outputs.</param>
    /// <param name="height">Rows of x.</param>
    /// <param name="width">Columns of x.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="padTop">Rows of zeros above x; negative where windows start inside.</param>
    /// <param name="padLeft">Columns of zeros to its left.</param>
    /// <param name="x">Images [N, height, width, channels].</param>
    /// <param name="first">First tile.</param>
    /// <param name="count">Number of tiles.</param>
    /// <param name="zeros">At least <paramref name="channels"/> zeros.</param>
    /// <param name="v">Overwritten: Inputs² matrices [count, channels].</param>
    /// <param name="rowStride">Distance of their rows.</param>
    /// <param name="stride">Distance of the matrices.</param>
    public static void Input(
        in WinogradTiles tiles, int height, int width, int channels, int padTop, int padLeft,
        ReadOnlySpan<float> x, int first, int count, ReadOnlySpan<float> zeros, Span<float> v, int rowStride, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowStride, channels);
        fixed (float* px = x, pv = Matrices(v, stride, count, rowStride, channels), zero = zeros[..channels])
        {
            var image = new ImageView(px, height, width, channels);
            if (Vector512.IsHardwareAccelerated && channels >= Floats16.Count)
                Input<Floats16>(tiles, image, channels, padTop, padLeft, first, count, zero, pv, rowStride, stride);
            else if (channels >= Floats8.Count)
                Input<Floats8>(tiles, image, channels, padTop, padLeft, first, count, zero, pv, rowStride, stride);
            else if (channels >= Floats4.Count)
                Input<Floats4>(tiles, image, channels, padTop, padLeft, first, count, zero, pv, rowStride, stride);
            else
                Input<Floats1>(tiles, image, channels, padTop, padLeft, first, count, zero, pv, rowStride, stride);
        }
    }

    /// <summary>y = Aᵀ p A + bias of every tile, for some of y's channels.</summary>
    /// <param name="tiles">The cut of y.</param>
    /// <param name="height">Rows of y.</param>
    /// <param name="width">Columns of y.</param>
    /// <param name="allChannels">Channels of y.</param>
    /// <param name="channel">First channel to write.</param>
    /// <param name="channels">Number of channels to write.</param>
    /// <param name="p">Inputs² matrices [count, channels].</param>
    /// <param name="stride">Distance of the matrices.</param>
    /// <param name="first">First tile.</param>
    /// <param name="count">Number of tiles.</param>
    /// <param name="bias">Empty, or a value for each of y's channels.</param>
    /// <param name="relu">Whether to replace negative values by 0.</param>
    /// <param name="discard">At least <paramref name="channels"/> floats, for outputs beyond the image.</param>
    /// <param name="y">Images [N, height, width, allChannels]; the tiles' outputs are overwritten.</param>
    public static void Output(
        in WinogradTiles tiles, int height, int width, int allChannels, int channel, int channels,
        ReadOnlySpan<float> p, int stride, int first, int count, ReadOnlySpan<float> bias, bool relu, Span<float> discard, Span<float> y)
    {
        fixed (float* pp = Matrices(p, stride, count, channels, channels), pb = bias.IsEmpty ? bias : bias.Slice(channel, channels), dump = discard[..channels], py = y)
        {
            var image = new ImageView(py + channel, height, width, allChannels);
            if (Vector512.IsHardwareAccelerated && channels >= Floats16.Count)
                Output<Floats16>(tiles, image, channels, pp, stride, first, count, pb, relu, dump);
            else if (channels >= Floats8.Count)
                Output<Floats8>(tiles, image, channels, pp, stride, first, count, pb, relu, dump);
            else if (channels >= Floats4.Count)
                Output<Floats4>(tiles, image, channels, pp, stride, first, count, pb, relu, dump);
            else
                Output<Floats1>(tiles, image, channels, pp, stride, first, count, pb, relu, dump);
        }
    }

    /// <summary>z = A dy Aᵀ of every tile of dy, for some of its channels: the adjoint of <see cref="Output"/>.</summary>
    /// <param name="tiles">The cut of dy.</param>
    /// <param name="height">Rows of dy.</param>
    /// <param name="width">Columns of dy.</param>
    /// <param name="allChannels">Channels of dy.</param>
    /// <param name="channel">First channel to read.</param>
    /// <param name="channels">Number of channels to read.</param>
    /// <param name="dy">Images [N, height, width, allChannels].</param>
    /// <param name="first">First tile.</param>
    /// <param name="count">Number of tiles.</param>
    /// <param name="zeros">At least <paramref name="channels"/> zeros.</param>
    /// <param name="z">Overwritten: Inputs² matrices [count, channels].</param>
    /// <param name="stride">Distance of the matrices.</param>
    /// <param name="sums">Overwritten with each channel's sum over the tiles' pixels, which is their part of the bias gradient.</param>
    public static void OutputAdjoint(
        in WinogradTiles tiles, int height, int width, int allChannels, int channel, int channels,
        ReadOnlySpan<float> dy, int first, int count, ReadOnlySpan<float> zeros, Span<float> z, int stride, Span<float> sums)
    {
        fixed (float* py = dy, pz = Matrices(z, stride, count, channels, channels), zero = zeros[..channels], ps = sums[..channels])
        {
            var image = new ImageView(py + channel, height, width, allChannels);
            if (Vector512.IsHardwareAccelerated && channels >= Floats16.Count)
                OutputAdjoint<Floats16>(tiles, image, channels, first, count, zero, pz, stride, ps);
            else if (channels >= Floats8.Count)
                OutputAdjoint<Floats8>(tiles, image, channels, first, count, zero, pz, stride, ps);
            else if (channels >= Floats4.Count)
                OutputAdjoint<Floats4>(tiles, image, channels, first, count, zero, pz, stride, ps);
            else
                OutputAdjoint<Floats1>(tiles, image, channels, first, count, zero, pz, stride, ps);
        }
    }

    private static Span<float> Matrices(Span<float> products, int stride, int count, int rowStride, int channels) =>
        products[..checked((TForm.Inputs * TForm.Inputs - 1) * stride + (count - 1) * rowStride + channels)];

    private static ReadOnlySpan<float> Matrices(ReadOnlySpan<float> products, int stride, int count, int rowStride, int channels) =>
        products[..checked((TForm.Inputs * TForm.Inputs - 1) * stride + (count - 1) * rowStride + channels)];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Input<TVector>(
        in WinogradTiles tiles, in ImageView x, int channels, int padTop, int padLeft, int first, int count, float* zero, float* v, nint rowStride, nint stride)
        where TVector : struct, IFloats<TVector>
    {
        int a = TForm.Inputs;
        float** windows = stackalloc float*[2 * TForm.Inputs * TForm.Inputs];
        // Half way: Bᵀ d of the registers of a group, element (i, j) at (i·a + j) groups. A group at a time, so that x is read along
        // its memory and not in steps of a pixel.
        float* halfBuffer = stackalloc float[TForm.Inputs * TForm.Inputs * GroupChannels + CacheLine.Floats], half = CacheLine.First(halfBuffer);
        int lanes = TVector.Count;
        tiles.Window(first, a, padTop, padLeft, x, zero, windows);
        for (int t = 0; t < count; t++)
        {
            float** pixels = windows + t % 2 * a * a, next = windows + (t + 1) % 2 * a * a;
            tiles.Window(first + Math.Min(t + 1, count - 1), a, padTop, padLeft, x, zero, next);
            for (int group = 0; group < channels; group += GroupChannels)
            {
                int end = Math.Min(group + GroupChannels, channels);
                for (int j = 0; j < a; j++)
                {
                    for (int c = group; c < end; c += lanes)
                    {
                        // The first columns of the next window are the last ones of this.
                        if (j >= a - TForm.Outputs)
                            PrefetchColumn(next + j, a, a, c);
                        TForm.Input<TVector>(pixels + j, a, Math.Min(c, channels - lanes), half + j * GroupChannels + (c - group), a * GroupChannels);
                    }
                }

                for (int c = group; c < end; c += lanes)
                {
                    float* o = v + t * rowStride + Math.Min(c, channels - lanes);
                    for (int i = 0; i < a; i++, o += a * stride)
                        TForm.Input<TVector>(half + i * a * GroupChannels + (c - group), GroupChannels, o, stride);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Output<TVector>(
        in WinogradTiles tiles, in ImageView y, int channels, float* p, nint stride, int first, int count, float* bias, bool relu, float* discard)
        where TVector : struct, IFloats<TVector>
    {
        int a = TForm.Inputs, m = TForm.Outputs;
        float** windows = stackalloc float*[2 * TForm.Outputs * TForm.Outputs];
        // Half way: Aᵀ p, element (i, j) at (i·a + j) registers.
        float* halfBuffer = stackalloc float[TForm.Outputs * TForm.Inputs * MaxRegister + CacheLine.Floats], half = CacheLine.First(halfBuffer);
        int lanes = TVector.Count;
        tiles.Window(first, m, 0, 0, y, discard, windows);
        for (int t = 0; t < count; t++)
        {
            float** pixels = windows + t % 2 * m * m, next = windows + (t + 1) % 2 * m * m;
            tiles.Window(first + Math.Min(t + 1, count - 1), m, 0, 0, y, discard, next);
            for (int c = 0; c < channels; c += lanes)
            {
                int at = Math.Min(c, channels - lanes);
                float* from = p + (nint)t * channels + at;
                for (int j = 0; j < a; j++, from += stride)
                    TForm.Output<TVector>(from, a * stride, half + j * lanes, a * lanes);
                TVector shift = bias == null ? TVector.Broadcast(0) : TVector.Load(bias + at);
                for (int i = 0; i < m; i++)
                {
                    PrefetchColumn(next + i, m, m, c);
                    TForm.Output(half + i * a * lanes, lanes, pixels + i * m, at, shift, relu);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OutputAdjoint<TVector>(
        in WinogradTiles tiles, in ImageView dy, int channels, int first, int count, float* zero, float* z, nint stride, float* sums)
        where TVector : struct, IFloats<TVector>
    {
        int a = TForm.Inputs, m = TForm.Outputs;
        float** windows = stackalloc float*[2 * TForm.Outputs * TForm.Outputs];
        // Half way: A dy, element (i, j) at (i·m + j) registers.
        float* halfBuffer = stackalloc float[TForm.Inputs * TForm.Outputs * MaxRegister + CacheLine.Floats], half = CacheLine.First(halfBuffer);
        int lanes = TVector.Count;
        new Span<float>(sums, channels).Clear();
        tiles.Window(first, m, 0, 0, dy, zero, windows);
        for (int t = 0; t < count; t++)
        {
            float** pixels = windows + t % 2 * m * m, next = windows + (t + 1) % 2 * m * m;
            tiles.Window(first + Math.Min(t + 1, count - 1), m, 0, 0, dy, zero, next);
            int done = 0;
            for (int c = 0; c < channels; c += lanes)
            {
                int at = Math.Min(c, channels - lanes);
                for (int j = 0; j < m; j++)
                {
                    PrefetchColumn(next + j, m, m, c);
                    TForm.OutputAdjoint<TVector>(pixels + j, m, at, half + j * lanes, m * lanes);
                }

                float* o = z + (nint)t * channels + at;
                for (int i = 0; i < a; i++, o += a * stride)
                    TForm.OutputAdjoint<TVector>(half + i * m * lanes, lanes, o, stride);
                done = AddSum<TVector>(pixels, m * m, at, done, sums);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchColumn(float** pixels, int step, int count, int channel)
    {
        for (int i = 0; i < count; i++)
            Prefetch.Line(pixels[i * step] + channel);
    }

    // Sums are not idempotent: where the last register lies over channels already done, its new channels are added one by one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int AddSum<TVector>(float** pixels, int count, int at, int done, float* sums)
        where TVector : struct, IFloats<TVector>
    {
        if (at == done)
        {
            TVector sum = TVector.Load(pixels[0] + at);
            for (int i = 1; i < count; i++)
                sum += TVector.Load(pixels[i] + at);
            (TVector.Load(sums + at) + sum).Store(sums + at);
            return at + TVector.Count;
        }

        int end = at + TVector.Count;
        for (int c = done; c < end; c++)
        {
            float sum = 0;
            for (int i = 0; i < count; i++)
                sum += pixels[i][c];
            sums[c] += sum;
        }

        return end;
    }
}
