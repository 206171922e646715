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
/// A lies by rows, or by terms as in weight gradients, where terms are pixels; rows or pixels one behind another, or where lists say.
/// </summary>
internal static unsafe class PanelProducts
{
    /// <summary>N: four vectors of 512 bits.</summary>
    public const int Columns = 64;

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
        var six = new PanelBlock.Six(stackalloc nint[PanelBlock.Six.Length]);
        fixed (float* pa = a, pb = b, pc = c, pn = next)
        {
            for (int row = 0, taken; row < rows; row += taken)
            {
                taken = PanelBlock.Take(rows - row);
                float* behind = row + taken < rows ? pa + (nint)(row + taken) * strideA : pn == null ? pa : pn;
                for (int i = 0; i < PanelBlock.Together; i++)
                {
                    nint present = Math.Min(row + i, rows - 1);
                    six[i] = (present * strideA, present * Columns, (nint)(behind + (nint)i * strideA));
                }

                PanelBlock.Run<Yes, No, Floats16>(taken, pa, new PanelBlock.Terms(terms, 1, Columns), pb, adds, pc, six, default);
            }
        }
    }

    /// <summary>A by rows that a list names: adds to the rows of C that another names, each at most once. Every six rows ask for the next ones.</summary>
    /// <param name="a">A [any, terms].</param>
    /// <param name="strideA">Floats from one row of A to the next.</param>
    /// <param name="from">Rows of A, in ascending order; may be empty.</param>
    /// <param name="terms">K.</param>
    /// <param name="b">B [terms, <see cref="Columns"/>].</param>
    /// <param name="strideB">Floats from one term of B to the next.</param>
    /// <param name="c">C [any, <see cref="Columns"/>].</param>
    /// <param name="to">The row of C for each of A's, in ascending order.</param>
    /// <param name="first">What the first row of C is called there.</param>
    public static void ListedRows(
        ReadOnlySpan<float> a, int strideA, ReadOnlySpan<int> from, int terms, ReadOnlySpan<float> b, int strideB, Span<float> c, ReadOnlySpan<int> to, int first)
    {
        if (from.IsEmpty)
            return;
        int last = from.Length - 1;
        a = a[..(from[last] * strideA + terms)];
        b = b[..((terms - 1) * strideB + Columns)];
        c = c[..((to[last] - first + 1) * Columns)];
        var six = new PanelBlock.Six(stackalloc nint[PanelBlock.Six.Length]);
        fixed (float* pa = a, pb = b, pc = c)
        {
            for (int row = 0, taken; row <= last; row += taken)
            {
                taken = PanelBlock.Take(last + 1 - row);
                for (int i = 0; i < PanelBlock.Together; i++)
                {
                    int present = Math.Min(row + i, last), coming = Math.Min(row + taken + i, last);
                    six[i] = ((nint)from[present] * strideA, (nint)(to[present] - first) * Columns, (nint)(pa + (nint)from[coming] * strideA));
                }

                PanelBlock.Run<Yes, No, Floats16>(taken, pa, new PanelBlock.Terms(terms, 1, strideB), pb, true, pc, six, default);
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
        fixed (float* pa = a, pb = b)
            ByTerms<No>(pa, rows, new PanelBlock.Terms(pixels, strideA, Columns), pb, adds, c, Columns, nextA, nextB);
    }

    /// <summary>A by terms, which are pairs of a pixel of A and one of B: adds to C.</summary>
    /// <param name="a">Aᵀ [any, rows], of a panel: pixels lie <see cref="Columns"/> floats apart.</param>
    /// <param name="rows">M.</param>
    /// <param name="pixelsA">A's pixel of each term, in ascending order.</param>
    /// <param name="b">B [any, <see cref="Columns"/>].</param>
    /// <param name="pixelsB">B's pixel of each term, in ascending order.</param>
    /// <param name="c">C [rows, <see cref="Columns"/>].</param>
    /// <param name="strideC">Floats from one row of C to the next.</param>
    /// <param name="nextA">What is read later, asked for meanwhile, evenly over all pairs and rows; may be empty.</param>
    /// <param name="nextB">Likewise.</param>
    public static void ListedPixels(
        ReadOnlySpan<float> a, int rows, ReadOnlySpan<int> pixelsA, ReadOnlySpan<float> b, ReadOnlySpan<int> pixelsB, Span<float> c, int strideC,
        ReadOnlySpan<float> nextA, ReadOnlySpan<float> nextB)
    {
        pixelsB = pixelsB[..pixelsA.Length];
        a = a[..(pixelsA[^1] * Columns + rows)];
        b = b[..((pixelsB[^1] + 1) * Columns)];
        fixed (float* pa = a, pb = b)
        fixed (int* la = pixelsA, lb = pixelsB)
            ByTerms<Yes>(pa, rows, new PanelBlock.Terms(pixelsA.Length, Columns, Columns, (nint)la, (nint)lb), pb, true, c, strideC, nextA, nextB);
    }

    // What is read now is in the cache: to ask for it, where nothing else is to come, costs nothing.
    private static void ByTerms<TListed>(
        float* a, int rows, in PanelBlock.Terms terms, float* b, bool adds, Span<float> c, int strideC, ReadOnlySpan<float> nextA, ReadOnlySpan<float> nextB)
        where TListed : struct, IFlag
    {
        c = c[..((rows - 1) * strideC + Columns)];
        // Every other six rows ask for A's, and those between them for B's.
        int sixes = (rows + PanelBlock.Together - 1) / PanelBlock.Together;
        nint stepA = Prefetch.Step(nextA.Length, (sixes + 1) / 2 * terms.Count), stepB = Prefetch.Step(nextB.Length, Math.Max(1, sixes / 2) * terms.Count);
        var six = new PanelBlock.Six(stackalloc nint[PanelBlock.Six.Length]);
        fixed (float* pc = c, na = nextA, nb = nextB)
        {
            PanelBlock.Ahead ahead = new((nint)(na == null ? a : na), stepA), after = new((nint)(nb == null ? b : nb), stepB);
            for (int row = 0, taken; row < rows; row += taken)
            {
                taken = PanelBlock.Take(rows - row);
                for (int i = 0; i < PanelBlock.Together; i++)
                {
                    int present = Math.Min(row + i, rows - 1);
                    six[i] = (present, (nint)present * strideC, 0);
                }

                PanelBlock.Run<No, TListed, Floats16>(taken, a, terms, b, adds, pc, six, ahead);
                (ahead, after) = (after, ahead with { Address = ahead.Address + ahead.Step * terms.Count * sizeof(float) });
            }
        }
    }
}
