using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// Six rows, or four, by the 64 columns of a panel, summed in registers term after term: the inner loop of <see cref="PanelProducts"/>. Rows of C lie anywhere; A lies by rows, each anywhere,
/// or by terms; terms of A and B lie at equal distances, or are pixels that lists name.
/// </summary>
internal static unsafe class PanelBlock
{
    /// <summary>Rows of a block.</summary>
    public const int Together = 6;

    private const int Fewer = 4;

    /// <summary>How many rows of so many to take: six or four. Seven and eight are four and the rest, as fours take less time than sixes.</summary>
    public static int Take(int left) => left <= Fewer || left is 7 or 8 ? Fewer : Together;

    /// <summary>C [six or four rows, 64] (+)= A·B.</summary>
    /// <param name="rows">How many <see cref="Take"/> took.</param>
    /// <param name="a">A.</param>
    /// <param name="terms">K.</param>
    /// <param name="b">B.</param>
    /// <param name="adds">Whether to add to C.</param>
    /// <param name="c">C.</param>
    /// <param name="six">Where the rows lie.</param>
    /// <param name="ahead">What to ask for, where A lies by terms.</param>
    public static void Run<TRows, TListed, T>(int rows, float* a, in Terms terms, float* b, bool adds, float* c, in Six six, in Ahead ahead)
        where TRows : struct, IFlag
        where TListed : struct, IFlag
        where T : struct, IFloats<T>
    {
        if (rows > Fewer)
            Run<TRows, TListed, Yes, T>(a, terms, b, adds, c, six, ahead);
        else
            Run<TRows, TListed, No, T>(a, terms, b, adds, c, six, ahead);
    }

    // Registers: 24 or 16 sums, four of B, one float of A in all lanes. The last row stands for those that are missing.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TRows, TListed, TSix, T>(float* a, Terms terms, float* b, bool adds, float* c, Six six, Ahead ahead)
        where TRows : struct, IFlag
        where TListed : struct, IFlag
        where TSix : struct, IFlag
        where T : struct, IFloats<T>
    {
        int one = T.Count, two = 2 * one, three = 3 * one;
        nint termStride = TRows.IsSet ? 1 : terms.StrideA, strideB = terms.StrideB;
        nint atB = six[1].From - six[0].From, atC = six[2].From - six[0].From, atD = six[3].From - six[0].From;
        nint atE = six[4].From - six[0].From, atF = six[5].From - six[0].From;
        a += six[0].From;
        float* firstA = a, firstB = b;
        T a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        T c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        T e0 = default, e1 = default, e2 = default, e3 = default, f0 = default, f1 = default, f2 = default, f3 = default;
        float* next = (float*)ahead.Address;
        nint nextStep = TRows.IsSet ? Together : ahead.Step;
        int* listA = (int*)terms.ListA, listB = (int*)terms.ListB;
        // A sixth of the terms asks for a row: that is a line with nearly every third term.
        nint part = TRows.IsSet ? (terms.Count + Together - 1) / Together : terms.Count;
        for (nint done = 0, sixth = 0; done < terms.Count; done += part, sixth++)
        {
            nint left = Math.Min(part, terms.Count - done);
            if (TRows.IsSet)
                next = (float*)six[(int)sixth].Next;
            if (TListed.IsSet)
            {
                listA += left;
                listB += left;
            }

            // Counted up to zero, which takes an instruction less: where two threads share a processor's core, it is they who limit, and not the multiplications.
            nint term = -left;
            do
            {
                if (TListed.IsSet)
                {
                    a = firstA + (nint)((nuint)(uint)listA[term] * PanelProducts.Columns);
                    b = firstB + (nint)((nuint)(uint)listB[term] * PanelProducts.Columns);
                }

                Prefetch.Line(next);
                next += nextStep;
                T x0 = T.Load(b), x1 = T.Load(b + one), x2 = T.Load(b + two), x3 = T.Load(b + three);
                T value = T.Broadcast(a[0]);
                T.AddProduct(value, x0, ref a0);
                T.AddProduct(value, x1, ref a1);
                T.AddProduct(value, x2, ref a2);
                T.AddProduct(value, x3, ref a3);
                value = T.Broadcast(a[atB]);
                T.AddProduct(value, x0, ref b0);
                T.AddProduct(value, x1, ref b1);
                T.AddProduct(value, x2, ref b2);
                T.AddProduct(value, x3, ref b3);
                value = T.Broadcast(a[atC]);
                T.AddProduct(value, x0, ref c0);
                T.AddProduct(value, x1, ref c1);
                T.AddProduct(value, x2, ref c2);
                T.AddProduct(value, x3, ref c3);
                value = T.Broadcast(a[atD]);
                T.AddProduct(value, x0, ref d0);
                T.AddProduct(value, x1, ref d1);
                T.AddProduct(value, x2, ref d2);
                T.AddProduct(value, x3, ref d3);
                if (TSix.IsSet)
                {
                    value = T.Broadcast(a[atE]);
                    T.AddProduct(value, x0, ref e0);
                    T.AddProduct(value, x1, ref e1);
                    T.AddProduct(value, x2, ref e2);
                    T.AddProduct(value, x3, ref e3);
                    value = T.Broadcast(a[atF]);
                    T.AddProduct(value, x0, ref f0);
                    T.AddProduct(value, x1, ref f1);
                    T.AddProduct(value, x2, ref f2);
                    T.AddProduct(value, x3, ref f3);
                }

                if (!TListed.IsSet)
                {
                    a += termStride;
                    b += strideB;
                }
            }
            while (++term < 0);
        }

        float* toA = c + six[0].To, toB = c + six[1].To, toC = c + six[2].To, toD = c + six[3].To, toE = c + six[4].To, toF = c + six[5].To;
        // Added here and not before, so that sums over many terms are sums of parts, which round less. All are read before one is written: some may be the same.
        if (adds)
        {
            (a0, a1, a2, a3) = (a0 + T.Load(toA), a1 + T.Load(toA + one), a2 + T.Load(toA + two), a3 + T.Load(toA + three));
            (b0, b1, b2, b3) = (b0 + T.Load(toB), b1 + T.Load(toB + one), b2 + T.Load(toB + two), b3 + T.Load(toB + three));
            (c0, c1, c2, c3) = (c0 + T.Load(toC), c1 + T.Load(toC + one), c2 + T.Load(toC + two), c3 + T.Load(toC + three));
            (d0, d1, d2, d3) = (d0 + T.Load(toD), d1 + T.Load(toD + one), d2 + T.Load(toD + two), d3 + T.Load(toD + three));
            if (TSix.IsSet)
            {
                (e0, e1, e2, e3) = (e0 + T.Load(toE), e1 + T.Load(toE + one), e2 + T.Load(toE + two), e3 + T.Load(toE + three));
                (f0, f1, f2, f3) = (f0 + T.Load(toF), f1 + T.Load(toF + one), f2 + T.Load(toF + two), f3 + T.Load(toF + three));
            }
        }

        Store(a0, a1, a2, a3, toA, one);
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

    /// <summary>K, and where its terms lie: floats from one to the next of A and B, or lists of pixels of both.</summary>
    public readonly record struct Terms(int Count, nint StrideA, nint StrideB, nint ListA = 0, nint ListB = 0);

    /// <summary>An address to ask for with each term, and floats from one term's to the next one's.</summary>
    public readonly record struct Ahead(nint Address, nint Step);

    /// <summary>Six rows: where they begin in A and C, and the address of what is read as such a row next.</summary>
    public readonly ref struct Six(Span<nint> values)
    {
        public const int Length = 3 * Together;

        private readonly ref nint _first = ref values[0];

        public (nint From, nint To, nint Next) this[int row]
        {
            get => (Unsafe.Add(ref _first, row), Unsafe.Add(ref _first, row + Together), Unsafe.Add(ref _first, row + 2 * Together));
            set => (Unsafe.Add(ref _first, row), Unsafe.Add(ref _first, row + Together), Unsafe.Add(ref _first, row + 2 * Together)) = value;
        }
    }
}
