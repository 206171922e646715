using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Transposes of small squares in registers, target[j][i] = source[i][j].
/// Eklundh's method ("A fast computer method for matrix transposing", IEEE Trans. Computers, 1972): for every bit d of the
/// index, rows i and i + d exchange the columns where the bit differs. One exchange costs two shuffles and two selections, all within
/// groups of four; the wider exchanges cost nothing, because four floats of every fourth row are loaded into one register.
/// </summary>
internal static unsafe class BlockTranspose
{
    // Calls, because a caller's loop around them would leave too few registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Square16(float* source, nint sourceStride, float* target, nint targetStride)
    {
        for (int column = 0; column < 16; column += 4, source += 4, target += 4 * targetStride)
            Four16(source, sourceStride, target, targetStride);
    }

    /// <summary>Four columns of sixteen rows, which become target rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four16(float* source, nint sourceStride, float* target, nint targetStride)
    {
        var r0 = Join16(source, 4 * sourceStride);
        var r1 = Join16(source + sourceStride, 4 * sourceStride);
        var r2 = Join16(source + 2 * sourceStride, 4 * sourceStride);
        var r3 = Join16(source + 3 * sourceStride, 4 * sourceStride);

        (r0, r2) = Exchange2(r0, r2);
        (r1, r3) = Exchange2(r1, r3);
        (r0, r1) = Exchange1(r0, r1);
        (r2, r3) = Exchange1(r2, r3);

        r0.Store(target);
        r1.Store(target + targetStride);
        r2.Store(target + 2 * targetStride);
        r3.Store(target + 3 * targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Square8(float* source, nint sourceStride, float* target, nint targetStride)
    {
        for (int column = 0; column < 8; column += 4, source += 4, target += 4 * targetStride)
            Four8(source, sourceStride, target, targetStride);
    }

    /// <summary>Four columns of eight rows, which become target rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four8(float* source, nint sourceStride, float* target, nint targetStride)
    {
        var r0 = Join8(source, 4 * sourceStride);
        var r1 = Join8(source + sourceStride, 4 * sourceStride);
        var r2 = Join8(source + 2 * sourceStride, 4 * sourceStride);
        var r3 = Join8(source + 3 * sourceStride, 4 * sourceStride);

        (r0, r2) = Exchange2(r0, r2);
        (r1, r3) = Exchange2(r1, r3);
        (r0, r1) = Exchange1(r0, r1);
        (r2, r3) = Exchange1(r2, r3);

        r0.Store(target);
        r1.Store(target + targetStride);
        r2.Store(target + 2 * targetStride);
        r3.Store(target + 3 * targetStride);
    }

    /// <summary>The way back from <see cref="Four16"/>: four rows of sixteen columns, which become sixteen target rows of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spread16(float* source, nint sourceStride, float* target, nint targetStride)
    {
        var r0 = Vector512.Load(source);
        var r1 = Vector512.Load(source + sourceStride);
        var r2 = Vector512.Load(source + 2 * sourceStride);
        var r3 = Vector512.Load(source + 3 * sourceStride);

        (r0, r2) = Exchange2(r0, r2);
        (r1, r3) = Exchange2(r1, r3);
        (r0, r1) = Exchange1(r0, r1);
        (r2, r3) = Exchange1(r2, r3);

        Part16(r0, target, 4 * targetStride);
        Part16(r1, target + targetStride, 4 * targetStride);
        Part16(r2, target + 2 * targetStride, 4 * targetStride);
        Part16(r3, target + 3 * targetStride, 4 * targetStride);
    }

    /// <summary>The way back from <see cref="Four8"/>: four rows of eight columns, which become eight target rows of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spread8(float* source, nint sourceStride, float* target, nint targetStride)
    {
        var r0 = Vector256.Load(source);
        var r1 = Vector256.Load(source + sourceStride);
        var r2 = Vector256.Load(source + 2 * sourceStride);
        var r3 = Vector256.Load(source + 3 * sourceStride);

        (r0, r2) = Exchange2(r0, r2);
        (r1, r3) = Exchange2(r1, r3);
        (r0, r1) = Exchange1(r0, r1);
        (r2, r3) = Exchange1(r2, r3);

        Part8(r0, target, 4 * targetStride);
        Part8(r1, target + targetStride, 4 * targetStride);
        Part8(r2, target + 2 * targetStride, 4 * targetStride);
        Part8(r3, target + 3 * targetStride, 4 * targetStride);
    }

    public static void Square4(float* source, nint sourceStride, float* target, nint targetStride)
    {
        (Vector128<float> r0, Vector128<float> r2) = Exchange2(Vector128.Load(source), Vector128.Load(source + 2 * sourceStride));
        (Vector128<float> r1, Vector128<float> r3) = Exchange2(Vector128.Load(source + sourceStride), Vector128.Load(source + 3 * sourceStride));
        (r0, r1) = Exchange1(r0, r1);
        (r2, r3) = Exchange1(r2, r3);

        r0.Store(target);
        r1.Store(target + targetStride);
        r2.Store(target + 2 * targetStride);
        r3.Store(target + 3 * targetStride);
    }

    // Four floats of each of two or four rows. "Unsafe" leaves out what is overwritten at once.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Join8(float* row, nint step) => Vector128.Load(row).ToVector256Unsafe().WithUpper(Vector128.Load(row + step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Join16(float* row, nint step) => Join8(row, step).ToVector512Unsafe().WithUpper(Join8(row + 2 * step, step));

    // Four floats each to two or four rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Part8(Vector256<float> rows, float* target, nint step)
    {
        rows.GetLower().Store(target);
        rows.GetUpper().Store(target + step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Part16(Vector512<float> rows, float* target, nint step)
    {
        Part8(rows.GetLower(), target, step);
        Part8(rows.GetUpper(), target + 2 * step, step);
    }

    // In each exchange "keep" selects the columns whose bit d is clear; the other row's come from d columns away.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> A, Vector512<float> B) Exchange2(Vector512<float> a, Vector512<float> b)
    {
        var keep = Vector512.Create(-1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0).AsSingle();
        var across = Vector512.Create(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
        return (Vector512.ConditionalSelect(keep, a, Vector512.Shuffle(b, across)), Vector512.ConditionalSelect(keep, Vector512.Shuffle(a, across), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> A, Vector512<float> B) Exchange1(Vector512<float> a, Vector512<float> b)
    {
        var keep = Vector512.Create(-1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0).AsSingle();
        var across = Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
        return (Vector512.ConditionalSelect(keep, a, Vector512.Shuffle(b, across)), Vector512.ConditionalSelect(keep, Vector512.Shuffle(a, across), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> A, Vector256<float> B) Exchange2(Vector256<float> a, Vector256<float> b)
    {
        var keep = Vector256.Create(-1, -1, 0, 0, -1, -1, 0, 0).AsSingle();
        var across = Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5);
        return (Vector256.ConditionalSelect(keep, a, Vector256.Shuffle(b, across)), Vector256.ConditionalSelect(keep, Vector256.Shuffle(a, across), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> A, Vector256<float> B) Exchange1(Vector256<float> a, Vector256<float> b)
    {
        var keep = Vector256.Create(-1, 0, -1, 0, -1, 0, -1, 0).AsSingle();
        var across = Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6);
        return (Vector256.ConditionalSelect(keep, a, Vector256.Shuffle(b, across)), Vector256.ConditionalSelect(keep, Vector256.Shuffle(a, across), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> A, Vector128<float> B) Exchange2(Vector128<float> a, Vector128<float> b)
    {
        var keep = Vector128.Create(-1, -1, 0, 0).AsSingle();
        var across = Vector128.Create(2, 3, 0, 1);
        return (Vector128.ConditionalSelect(keep, a, Vector128.Shuffle(b, across)), Vector128.ConditionalSelect(keep, Vector128.Shuffle(a, across), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> A, Vector128<float> B) Exchange1(Vector128<float> a, Vector128<float> b)
    {
        var keep = Vector128.Create(-1, 0, -1, 0).AsSingle();
        var across = Vector128.Create(1, 0, 3, 2);
        return (Vector128.ConditionalSelect(keep, a, Vector128.Shuffle(b, across)), Vector128.ConditionalSelect(keep, Vector128.Shuffle(a, across), b));
    }
}
