using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// Products with a panel of columns that fills the registers as <see cref="PatchProducts"/> says: six rows by 64 columns are summed in 24 registers, a term
/// at a time, while what is read next comes from memory.
/// <code>
///                   N = 64 columns
///                 ┌────┐
///        K = terms│ B  │     C [rows, columns] (+)= A [rows, terms] · B [terms, columns]
///   ┌───────────┐ ├────┤
///   │     A     │ │ C  │ M = rows, 6 at a time; 4 where that leaves fewer over
///   └───────────┘ └────┘
/// </code>
/// A lies by rows, or by terms as in weight gradients, where terms are pixels.
/// </summary>
internal static unsafe class PanelProducts
{
    /// <summary>N: four vectors of 512 bits.</summary>
    public const int Columns = 64;

    private const int Together = 6;
    private const int Fewer = 4;

    /// <summary>A by rows: adds to C, or overwrites it. Every six rows ask for the next ones.</summary>
    /// <param name="a">A [rows, terms].</param>
    /// <param name="strideA">Floats from one row of A to the next.</param>
    /// <param name="rows">M.</param>
    /// <param name="terms">K.</param>
    /// <param name="b">B [terms, <see cref="Columns"/>].</param>
    /// <param name="adds">Whether to add to C.</param>
    /// <param name="c">C [rows, <see cref="Columns"/>].</param>
    /// <param name="next">What is read as A next, from its first row on; may be empty.</param>
    public static void Rows(ReadOnlySpan<float> a, int strideA, int rows, int terms, ReadOnlySpan<float> b, bool adds, Span<float> c, ReadOnlySpan<float> next)
    {
        a = a[..((rows - 1) * strideA + terms)];
        b = b[..(terms * Columns)];
        c = c[..(rows * Columns)];
        fixed (float* pa = a, pb = b, pc = c, pn = next)
        {
            // A sixth of the terms asks for a row: that is a line with nearly every third term.
            nint jump = strideA - Together * (nint)Part(terms);
            for (int row = 0, taken; row < rows; row += taken)
            {
                taken = Take(rows - row);
                float* from = pa + (nint)row * strideA, behind = row + taken < rows ? from + (nint)taken * strideA : pn == null ? from : pn;
                var ahead = new Ahead(behind, from, Together, 0, jump);
                Block<Yes, Floats16>(from, strideA, Math.Min(taken, rows - row), terms, pb, adds, pc + row * Columns, ahead);
            }
        }
    }

    /// <summary>A by terms, which are pixels: adds to C, or overwrites it.</summary>
    /// <param name="a">Aᵀ [pixels, rows].</param>
    /// <param name="strideA">Floats from one pixel of A to the next.</param>
    /// <param name="rows">M.</param>
    /// <param name="pixels">K.</param>
    /// <param name="b">B [pixels, <see cref="Columns"/>].</param>
    /// <param name="adds">Whether to add to C.</param>
    /// <param name="c">C [rows, <see cref="Columns"/>].</param>
    /// <param name="nextA">What is read later, asked for meanwhile, evenly over all pixels and rows; may be empty.</param>
    /// <param name="nextB">Likewise.</param>
    public static void Pixels(
        ReadOnlySpan<float> a, int strideA, int rows, int pixels, ReadOnlySpan<float> b, bool adds, Span<float> c,
        ReadOnlySpan<float> nextA, ReadOnlySpan<float> nextB)
    {
        a = a[..((pixels - 1) * strideA + rows)];
        b = b[..(pixels * Columns)];
        c = c[..(rows * Columns)];
        // What is read now is in the cache: asking for it costs nothing.
        if (nextA.IsEmpty)
            nextA = a[..1];
        if (nextB.IsEmpty)
            nextB = b[..1];
        int steps = (rows + Together - 1) / Together * pixels;
        nint stepA = Prefetch.Step(nextA.Length, steps), stepB = Prefetch.Step(nextB.Length, steps);
        fixed (float* pa = a, pb = b, pc = c, na = nextA, nb = nextB)
        {
            var ahead = new Ahead(na, nb, stepA, stepB, 0);
            for (int row = 0, taken; row < rows; row += taken)
            {
                taken = Take(rows - row);
                Block<No, Floats16>(pa + row, strideA, Math.Min(taken, rows - row), pixels, pb, adds, pc + row * Columns, ahead);
                ahead = new Ahead(ahead.A + stepA * pixels, ahead.B + stepB * pixels, stepA, stepB, 0);
            }
        }
    }

    // Seven and eight are four and the rest, as fours take less time than sixes.
    private static int Take(int left) => left <= Fewer || left is 7 or 8 ? Fewer : Together;

    private static int Part(int terms) => (terms + Together - 1) / Together;

    private static void Block<TRows, T>(float* a, nint stride, int rows, int terms, float* b, bool adds, float* c, in Ahead ahead)
        where TRows : struct, IFlag
        where T : struct, IFloats<T>
    {
        if (rows > Fewer)
            Block<TRows, Yes, T>(a, stride, rows - 1, terms, b, adds, c, ahead);
        else
            Block<TRows, No, T>(a, stride, rows - 1, terms, b, adds, c, ahead);
    }

    // Registers: 24 or 16 sums, four of B, one float of A in all lanes. The last row stands for those that are missing.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<TRows, TSix, T>(float* a, nint stride, int last, int terms, float* b, bool adds, float* c, Ahead ahead)
        where TRows : struct, IFlag
        where TSix : struct, IFlag
        where T : struct, IFloats<T>
    {
        int one = T.Count, two = 2 * one, three = 3 * one;
        nint rowStride = TRows.IsSet ? stride : 1, termStride = TRows.IsSet ? 1 : stride;
        nint atB = Math.Min(1, last) * rowStride, atC = Math.Min(2, last) * rowStride, atD = Math.Min(3, last) * rowStride;
        nint atE = Math.Min(4, last) * rowStride, atF = last * rowStride;
        T a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        T c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        T e0 = default, e1 = default, e2 = default, e3 = default, f0 = default, f1 = default, f2 = default, f3 = default;
        float* nextA = ahead.A, nextB = ahead.B;
        int part = Part(terms);
        for (int left = terms; left > 0; left -= part, nextA += ahead.Jump)
        {
            for (int term = Math.Min(part, left); term > 0; term--, b += Columns, a += termStride, nextA += ahead.StepA, nextB += ahead.StepB)
            {
                Prefetch.Line(nextA);
                if (!TRows.IsSet)
                    Prefetch.Line(nextB);
                T x0 = T.Load(b), x1 = T.Load(b + one), x2 = T.Load(b + two), x3 = T.Load(b + three);
                T value = T.Broadcast(a[0]);
                a0 = T.MultiplyAdd(value, x0, a0);
                a1 = T.MultiplyAdd(value, x1, a1);
                a2 = T.MultiplyAdd(value, x2, a2);
                a3 = T.MultiplyAdd(value, x3, a3);
                value = T.Broadcast(a[atB]);
                b0 = T.MultiplyAdd(value, x0, b0);
                b1 = T.MultiplyAdd(value, x1, b1);
                b2 = T.MultiplyAdd(value, x2, b2);
                b3 = T.MultiplyAdd(value, x3, b3);
                value = T.Broadcast(a[atC]);
                c0 = T.MultiplyAdd(value, x0, c0);
                c1 = T.MultiplyAdd(value, x1, c1);
                c2 = T.MultiplyAdd(value, x2, c2);
                c3 = T.MultiplyAdd(value, x3, c3);
                value = T.Broadcast(a[atD]);
                d0 = T.MultiplyAdd(value, x0, d0);
                d1 = T.MultiplyAdd(value, x1, d1);
                d2 = T.MultiplyAdd(value, x2, d2);
                d3 = T.MultiplyAdd(value, x3, d3);
                if (TSix.IsSet)
                {
                    value = T.Broadcast(a[atE]);
                    e0 = T.MultiplyAdd(value, x0, e0);
                    e1 = T.MultiplyAdd(value, x1, e1);
                    e2 = T.MultiplyAdd(value, x2, e2);
                    e3 = T.MultiplyAdd(value, x3, e3);
                    value = T.Broadcast(a[atF]);
                    f0 = T.MultiplyAdd(value, x0, f0);
                    f1 = T.MultiplyAdd(value, x1, f1);
                    f2 = T.MultiplyAdd(value, x2, f2);
                    f3 = T.MultiplyAdd(value, x3, f3);
                }
            }
        }

        float* toB = c + Math.Min(1, last) * Columns, toC = c + Math.Min(2, last) * Columns, toD = c + Math.Min(3, last) * Columns;
        float* toE = c + Math.Min(4, last) * Columns, toF = c + last * Columns;
        // Added here and not before, so that sums over many terms are sums of parts, which round less. All are read before one is written: some may be the same.
        if (adds)
        {
            (a0, a1, a2, a3) = (a0 + T.Load(c), a1 + T.Load(c + one), a2 + T.Load(c + two), a3 + T.Load(c + three));
            (b0, b1, b2, b3) = (b0 + T.Load(toB), b1 + T.Load(toB + one), b2 + T.Load(toB + two), b3 + T.Load(toB + three));
            (c0, c1, c2, c3) = (c0 + T.Load(toC), c1 + T.Load(toC + one), c2 + T.Load(toC + two), c3 + T.Load(toC + three));
            (d0, d1, d2, d3) = (d0 + T.Load(toD), d1 + T.Load(toD + one), d2 + T.Load(toD + two), d3 + T.Load(toD + three));
            if (TSix.IsSet)
            {
                (e0, e1, e2, e3) = (e0 + T.Load(toE), e1 + T.Load(toE + one), e2 + T.Load(toE + two), e3 + T.Load(toE + three));
                (f0, f1, f2, f3) = (f0 + T.Load(toF), f1 + T.Load(toF + one), f2 + T.Load(toF + two), f3 + T.Load(toF + three));
            }
        }

        Store(a0, a1, a2, a3, c, one);
        Store(b0, b1, b2, b3, toB, one);
        Store(c0, c1, c2, c3, toC, one);
        Store(d0, d1, d2, d3, toD, one);
        if (TSix.IsSet)
        {
            Store(e0, e1, e2, e3, toE, one);
            Store(f0, f1, f2, f3, toF, one);
        }
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

    // What to ask for with each term, and how much further A's is after each sixth of them.
    private readonly record struct Ahead(nint AddressA, nint AddressB, nint StepA, nint StepB, nint Jump)
    {
        public Ahead(float* a, float* b, nint stepA, nint stepB, nint jump)
            : this((nint)a, (nint)b, stepA, stepB, jump)
        {
        }

        public float* A => (float*)AddressA;

        public float* B => (float*)AddressB;
    }
}
