using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HybridCnn.Kernels;

/// <summary>
/// Neighbors in memory apart and together again: (a0 b0 a1 b1 …) ↔ (a0 a1 …), (b0 b1 …), for kernels whose windows are two
/// columns wide. A pair of floats is one 64-bit lane whose low half is the first (.NET runs on little-endian machines).
/// </summary>
internal static class Lanes
{
    /// <summary>Reads 32 floats from <paramref name="source"/> + <paramref name="offset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) Split512(ref float source, nuint offset)
    {
        Vector512<ulong> low = Vector512.LoadUnsafe(ref source, offset).AsUInt64();
        Vector512<ulong> high = Vector512.LoadUnsafe(ref source, offset + 16).AsUInt64();
        return (Vector512.Narrow(low, high).AsSingle(), Vector512.Narrow(low >>> 32, high >>> 32).AsSingle());
    }

    /// <summary>Reads 16 floats from <paramref name="source"/> + <paramref name="offset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) Split256(ref float source, nuint offset)
    {
        Vector256<ulong> low = Vector256.LoadUnsafe(ref source, offset).AsUInt64();
        Vector256<ulong> high = Vector256.LoadUnsafe(ref source, offset + 8).AsUInt64();
        return (Vector256.Narrow(low, high).AsSingle(), Vector256.Narrow(low >>> 32, high >>> 32).AsSingle());
    }

    /// <summary>Reads 8 floats from <paramref name="source"/> + <paramref name="offset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<float> Even, Vector128<float> Odd) Split128(ref float source, nuint offset)
    {
        Vector128<ulong> low = Vector128.LoadUnsafe(ref source, offset).AsUInt64();
        Vector128<ulong> high = Vector128.LoadUnsafe(ref source, offset + 4).AsUInt64();
        return (Vector128.Narrow(low, high).AsSingle(), Vector128.Narrow(low >>> 32, high >>> 32).AsSingle());
    }

    /// <summary>Writes 32 floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Join(Vector512<float> even, Vector512<float> odd, ref float target, nuint offset)
    {
        (Vector512<ulong> evenLow, Vector512<ulong> evenHigh) = Vector512.Widen(even.AsUInt32());
        (Vector512<ulong> oddLow, Vector512<ulong> oddHigh) = Vector512.Widen(odd.AsUInt32());
        (evenLow | (oddLow << 32)).AsSingle().StoreUnsafe(ref target, offset);
        (evenHigh | (oddHigh << 32)).AsSingle().StoreUnsafe(ref target, offset + 16);
    }

    /// <summary>Writes 16 floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Join(Vector256<float> even, Vector256<float> odd, ref float target, nuint offset)
    {
        (Vector256<ulong> evenLow, Vector256<ulong> evenHigh) = Vector256.Widen(even.AsUInt32());
        (Vector256<ulong> oddLow, Vector256<ulong> oddHigh) = Vector256.Widen(odd.AsUInt32());
        (evenLow | (oddLow << 32)).AsSingle().StoreUnsafe(ref target, offset);
        (evenHigh | (oddHigh << 32)).AsSingle().StoreUnsafe(ref target, offset + 8);
    }

    /// <summary>Writes 8 floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Join(Vector128<float> even, Vector128<float> odd, ref float target, nuint offset)
    {
        (Vector128<ulong> evenLow, Vector128<ulong> evenHigh) = Vector128.Widen(even.AsUInt32());
        (Vector128<ulong> oddLow, Vector128<ulong> oddHigh) = Vector128.Widen(odd.AsUInt32());
        (evenLow | (oddLow << 32)).AsSingle().StoreUnsafe(ref target, offset);
        (evenHigh | (oddHigh << 32)).AsSingle().StoreUnsafe(ref target, offset + 4);
    }
}
