using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Transposes of small squares in registers, target[j][i] = source[i][j].
/// Eklundh's method ("A fast computer method for matrix transposing", IEEE Trans. Computers, 1972): for every bit d of the
/// index, rows i and i + d exchange the columns where the bit differs. One exchange costs one shuffle and three selections;
/// the widest exchange costs nothing, because the halves of two rows are loaded into one register.
/// </summary>
internal static unsafe class BlockTranspose
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Square16(float* source, nint sourceStride, float* target, nint targetStride)
    {
        // The left halves (columns 0..7) become target rows 0..7, the right halves rows 8..15.
        for (int half = 0; half < 2; half++, source += 8, target += 8 * targetStride)
        {
            float* lower = source + 8 * sourceStride;
            var r0 = Join(source, lower);
            var r1 = Join(source + sourceStride, lower + sourceStride);
            var r2 = Join(source + 2 * sourceStride, lower + 2 * sourceStride);
            var r3 = Join(source + 3 * sourceStride, lower + 3 * sourceStride);
            var r4 = Join(source + 4 * sourceStride, lower + 4 * sourceStride);
            var r5 = Join(source + 5 * sourceStride, lower + 5 * sourceStride);
            var r6 = Join(source + 6 * sourceStride, lower + 6 * sourceStride);
            var r7 = Join(source + 7 * sourceStride, lower + 7 * sourceStride);

            (r0, r4) = Exchange4(r0, r4);
            (r1, r5) = Exchange4(r1, r5);
            (r2, r6) = Exchange4(r2, r6);
            (r3, r7) = Exchange4(r3, r7);
            (r0, r2) = Exchange2(r0, r2);
            (r1, r3) = Exchange2(r1, r3);
            (r4, r6) = Exchange2(r4, r6);
            (r5, r7) = Exchange2(r5, r7);
            (r0, r1) = Exchange1(r0, r1);
            (r2, r3) = Exchange1(r2, r3);
            (r4, r5) = Exchange1(r4, r5);
            (r6, r7) = Exchange1(r6, r7);

            r0.Store(target);
            r1.Store(target + targetStride);
            r2.Store(target + 2 * targetStride);
            r3.Store(target + 3 * targetStride);
            r4.Store(target + 4 * targetStride);
            r5.Store(target + 5 * targetStride);
            r6.Store(target + 6 * targetStride);
            r7.Store(target + 7 * targetStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Square8(float* source, nint sourceStride, float* target, nint targetStride)
    {
        for (int half = 0; half < 2; half++, source += 4, target += 4 * targetStride)
        {
            float* lower = source + 4 * sourceStride;
            var r0 = Vector256.Create(Vector128.Load(source), Vector128.Load(lower));
            var r1 = Vector256.Create(Vector128.Load(source + sourceStride), Vector128.Load(lower + sourceStride));
            var r2 = Vector256.Create(Vector128.Load(source + 2 * sourceStride), Vector128.Load(lower + 2 * sourceStride));
            var r3 = Vector256.Create(Vector128.Load(source + 3 * sourceStride), Vector128.Load(lower + 3 * sourceStride));

            (r0, r2) = Exchange2(r0, r2);
            (r1, r3) = Exchange2(r1, r3);
            (r0, r1) = Exchange1(r0, r1);
            (r2, r3) = Exchange1(r2, r3);

            r0.Store(target);
            r1.Store(target + targetStride);
            r2.Store(target + 2 * targetStride);
            r3.Store(target + 3 * targetStride);
        }
    }

    public static void Square4(float* source, nint sourceStride, float* target, nint targetStride)
    {
        for (int i = 0; i < 4; i++)
        {
            for (int j = 0; j < 4; j++)
                target[j * targetStride + i] = source[i * sourceStride + j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Join(float* upper, float* lower) => Vector512.Create(Vector256.Load(upper), Vector256.Load(lower));

    // In each exchange: "keep" selects the columns whose bit d is clear, "crossed" holds what the two rows give each other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> A, Vector512<float> B) Exchange4(Vector512<float> a, Vector512<float> b)
    {
        var keep = Vector512.Create(-1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0).AsSingle();
        var crossed = Vector512.Shuffle(
            Vector512.ConditionalSelect(keep, b, a), Vector512.Create(4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
        return (Vector512.ConditionalSelect(keep, a, crossed), Vector512.ConditionalSelect(keep, crossed, b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> A, Vector512<float> B) Exchange2(Vector512<float> a, Vector512<float> b)
    {
        var keep = Vector512.Create(-1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0).AsSingle();
        var crossed = Vector512.Shuffle(
            Vector512.ConditionalSelect(keep, b, a), Vector512.Create(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
        return (Vector512.ConditionalSelect(keep, a, crossed), Vector512.ConditionalSelect(keep, crossed, b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> A, Vector512<float> B) Exchange1(Vector512<float> a, Vector512<float> b)
    {
        var keep = Vector512.Create(-1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0).AsSingle();
        var crossed = Vector512.Shuffle(
            Vector512.ConditionalSelect(keep, b, a), Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
        return (Vector512.ConditionalSelect(keep, a, crossed), Vector512.ConditionalSelect(keep, crossed, b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> A, Vector256<float> B) Exchange2(Vector256<float> a, Vector256<float> b)
    {
        var keep = Vector256.Create(-1, -1, 0, 0, -1, -1, 0, 0).AsSingle();
        var crossed = Vector256.Shuffle(Vector256.ConditionalSelect(keep, b, a), Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5));
        return (Vector256.ConditionalSelect(keep, a, crossed), Vector256.ConditionalSelect(keep, crossed, b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> A, Vector256<float> B) Exchange1(Vector256<float> a, Vector256<float> b)
    {
        var keep = Vector256.Create(-1, 0, -1, 0, -1, 0, -1, 0).AsSingle();
        var crossed = Vector256.Shuffle(Vector256.ConditionalSelect(keep, b, a), Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
        return (Vector256.ConditionalSelect(keep, a, crossed), Vector256.ConditionalSelect(keep, crossed, b));
    }
}
