using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// Sums over pixels of products of two images' channels, the weight gradient of a 1x1 kernel, for columns that fill the registers as <see cref="PatchProducts"/>
/// says: six filters by 64 columns are summed in 24 registers, a pixel at a time, while the next pixels come from memory.
/// <code>
///                   N = 64 columns
///                 ┌────┐
///    K = pixels   │ X  │     sums [filters, columns] += dYᵀ [filters, pixels] · X [pixels, columns]
///   ┌───────────┐ ├────┤
///   │    dYᵀ    │ │    │ M = filters, 6 at a time
///   └───────────┘ └────┘
/// </code>
/// </summary>
internal static unsafe class PixelSums
{
    /// <summary>N: four vectors of 512 bits.</summary>
    public const int Columns = 64;

    private const int Together = 6;
    private const int CacheLine = 16;

    /// <summary>Adds to or overwrites the sums.</summary>
    /// <param name="x">X [pixels, <see cref="Columns"/>].</param>
    /// <param name="dy">dY from the first filter on.</param>
    /// <param name="strideY">Floats from one pixel of dY to the next.</param>
    /// <param name="pixels">K.</param>
    /// <param name="filters">M.</param>
    /// <param name="adds">Whether to add to the sums.</param>
    /// <param name="sums">Sums [filters, <see cref="Columns"/>].</param>
    /// <param name="nextX">What is read later, asked for meanwhile, evenly over all pixels and filters; may be empty.</param>
    /// <param name="nextY">Likewise.</param>
    public static void Run(
        ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int strideY, int pixels, int filters, bool adds, Span<float> sums,
        ReadOnlySpan<float> nextX, ReadOnlySpan<float> nextY)
    {
        x = x[..(pixels * Columns)];
        dy = dy[..((pixels - 1) * strideY + filters)];
        sums = sums[..(filters * Columns)];
        int steps = (filters + Together - 1) / Together * pixels;
        // What is read now is in the cache: asking for it costs nothing.
        if (nextX.IsEmpty)
            nextX = x[..1];
        if (nextY.IsEmpty)
            nextY = dy[..1];
        fixed (float* px = x, py = dy, ps = sums, nx = nextX, ny = nextY)
        {
            var ahead = new Ahead(nx, ny, Step(nextX.Length, steps), Step(nextY.Length, steps));
            for (int filter = 0; filter < filters; filter += Together)
            {
                int last = Math.Min(Together, filters - filter) - 1;
                if (last == Together - 1)
                    SixByFour<Yes, Floats16>(px, py + filter, strideY, pixels, last, adds, ps + filter * Columns, ahead);
                else
                    SixByFour<No, Floats16>(px, py + filter, strideY, pixels, last, adds, ps + filter * Columns, ahead);
                ahead = new Ahead(ahead.X + ahead.StepX * pixels, ahead.Y + ahead.StepY * pixels, ahead.StepX, ahead.StepY);
            }
        }
    }

    private static nint Step(int floats, int steps) => Math.Min(CacheLine, (floats - 1 + steps) / steps);

    // Registers: 24 sums, four of X, one float of dY in all lanes. The last filter stands for those that are missing.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByFour<TAll, T>(float* x, float* dy, nint strideY, int pixels, int last, bool adds, float* sums, Ahead ahead)
        where TAll : struct, IFlag
        where T : struct, IFloats<T>
    {
        int one = T.Count, two = 2 * one, three = 3 * one;
        nint atB = TAll.IsSet ? 1 : Math.Min(1, last), atC = TAll.IsSet ? 2 : Math.Min(2, last), atD = TAll.IsSet ? 3 : Math.Min(3, last);
        nint atE = TAll.IsSet ? 4 : Math.Min(4, last), atF = TAll.IsSet ? 5 : last;
        float* toB = sums + atB * Columns, toC = sums + atC * Columns, toD = sums + atD * Columns, toE = sums + atE * Columns, toF = sums + atF * Columns;
        T a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        T c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        T e0 = default, e1 = default, e2 = default, e3 = default, f0 = default, f1 = default, f2 = default, f3 = default;
        float* nextX = ahead.X, nextY = ahead.Y;
        for (int pixel = 0; pixel < pixels; pixel++, x += Columns, dy += strideY, nextX += ahead.StepX, nextY += ahead.StepY)
        {
            Prefetch.Line(nextX);
            Prefetch.Line(nextY);
            T x0 = T.Load(x), x1 = T.Load(x + one), x2 = T.Load(x + two), x3 = T.Load(x + three);
            T value = T.Broadcast(dy[0]);
            a0 = T.MultiplyAdd(value, x0, a0);
            a1 = T.MultiplyAdd(value, x1, a1);
            a2 = T.MultiplyAdd(value, x2, a2);
            a3 = T.MultiplyAdd(value, x3, a3);
            value = T.Broadcast(dy[atB]);
            b0 = T.MultiplyAdd(value, x0, b0);
            b1 = T.MultiplyAdd(value, x1, b1);
            b2 = T.MultiplyAdd(value, x2, b2);
            b3 = T.MultiplyAdd(value, x3, b3);
            value = T.Broadcast(dy[atC]);
            c0 = T.MultiplyAdd(value, x0, c0);
            c1 = T.MultiplyAdd(value, x1, c1);
            c2 = T.MultiplyAdd(value, x2, c2);
            c3 = T.MultiplyAdd(value, x3, c3);
            value = T.Broadcast(dy[atD]);
            d0 = T.MultiplyAdd(value, x0, d0);
            d1 = T.MultiplyAdd(value, x1, d1);
            d2 = T.MultiplyAdd(value, x2, d2);
            d3 = T.MultiplyAdd(value, x3, d3);
            value = T.Broadcast(dy[atE]);
            e0 = T.MultiplyAdd(value, x0, e0);
            e1 = T.MultiplyAdd(value, x1, e1);
            e2 = T.MultiplyAdd(value, x2, e2);
            e3 = T.MultiplyAdd(value, x3, e3);
            value = T.Broadcast(dy[atF]);
            f0 = T.MultiplyAdd(value, x0, f0);
            f1 = T.MultiplyAdd(value, x1, f1);
            f2 = T.MultiplyAdd(value, x2, f2);
            f3 = T.MultiplyAdd(value, x3, f3);
        }

        // Added here and not before, so that sums over many pixels are sums of parts, which round less. All are read before one is written: some may be the same.
        if (adds)
        {
            (a0, a1, a2, a3) = (a0 + T.Load(sums), a1 + T.Load(sums + one), a2 + T.Load(sums + two), a3 + T.Load(sums + three));
            (b0, b1, b2, b3) = (b0 + T.Load(toB), b1 + T.Load(toB + one), b2 + T.Load(toB + two), b3 + T.Load(toB + three));
            (c0, c1, c2, c3) = (c0 + T.Load(toC), c1 + T.Load(toC + one), c2 + T.Load(toC + two), c3 + T.Load(toC + three));
            (d0, d1, d2, d3) = (d0 + T.Load(toD), d1 + T.Load(toD + one), d2 + T.Load(toD + two), d3 + T.Load(toD + three));
            (e0, e1, e2, e3) = (e0 + T.Load(toE), e1 + T.Load(toE + one), e2 + T.Load(toE + two), e3 + T.Load(toE + three));
            (f0, f1, f2, f3) = (f0 + T.Load(toF), f1 + T.Load(toF + one), f2 + T.Load(toF + two), f3 + T.Load(toF + three));
        }

        Store(a0, a1, a2, a3, sums, one);
        Store(b0, b1, b2, b3, toB, one);
        Store(c0, c1, c2, c3, toC, one);
        Store(d0, d1, d2, d3, toD, one);
        Store(e0, e1, e2, e3, toE, one);
        Store(f0, f1, f2, f3, toF, one);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(T first, T second, T third, T fourth, float* target, nint step)
        where T : struct, IFloats<T>
    {
        first.Store(target);
        second.Store(target + step);
        third.Store(target + 2 * step);
        fourth.Store(target + 3 * step);
    }

    private readonly record struct Ahead(nint AddressX, nint AddressY, nint StepX, nint StepY)
    {
        public Ahead(float* x, float* y, nint stepX, nint stepY)
            : this((nint)x, (nint)y, stepX, stepY)
        {
        }

        public float* X => (float*)AddressX;

        public float* Y => (float*)AddressY;
    }
}
