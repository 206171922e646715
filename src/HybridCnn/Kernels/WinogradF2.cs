using System.Runtime.CompilerServices;

namespace HybridCnn.Kernels;

/// <summary>
/// F(2, 3): two outputs of a three-tap filter from four products, in two dimensions 16 products instead of 36, with the
/// points 0, 1, −1 and ∞ (Winograd, "Arithmetic Complexity of Computations", 1980):
/// <code>
///      ⎡ 1  0 −1  0 ⎤       ⎡  1    0    0  ⎤
/// Bᵀ = ⎢ 0  1  1  0 ⎥   G = ⎢ 1/2  1/2  1/2 ⎥   Aᵀ = ⎡ 1  1  1  0 ⎤
///      ⎢ 0 −1  1  0 ⎥       ⎢ 1/2 −1/2  1/2 ⎥        ⎣ 0  1 −1  1 ⎦
///      ⎣ 0 −1  0  1 ⎦       ⎣  0    0    1  ⎦
/// </code>
/// All entries are ±1 and ±1/2, so the rounding error is about that of a direct convolution.
/// </summary>
internal readonly unsafe struct WinogradF2 : IWinogradForm
{
    public static int Outputs => 2;

    public static int Inputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TVector>(float** pixels, int step, nint channel, float* o, nint os)
        where TVector : struct, IFloats<TVector> => Input(
            TVector.Load(pixels[0] + channel), TVector.Load(pixels[step] + channel),
            TVector.Load(pixels[2 * step] + channel), TVector.Load(pixels[3 * step] + channel), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TVector>(float* d, nint ds, float* o, nint os)
        where TVector : struct, IFloats<TVector> => Input(
            TVector.Load(d), TVector.Load(d + ds), TVector.Load(d + 2 * ds), TVector.Load(d + 3 * ds), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TVector>(float* p, nint ps, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        var (y0, y1) = Output<TVector>(p, ps);
        y0.Store(o);
        y1.Store(o + os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TVector>(float* p, nint ps, float** pixels, nint channel, TVector bias, bool relu)
        where TVector : struct, IFloats<TVector>
    {
        var (y0, y1) = Output<TVector>(p, ps);
        (y0, y1) = (y0 + bias, y1 + bias);
        if (relu)
        {
            TVector zero = TVector.Broadcast(0);
            (y0, y1) = (TVector.Max(y0, zero), TVector.Max(y1, zero));
        }

        y0.Store(pixels[0] + channel);
        y1.Store(pixels[1] + channel);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputAdjoint<TVector>(float** pixels, int step, nint channel, float* o, nint os)
        where TVector : struct, IFloats<TVector> =>
        OutputAdjoint(TVector.Load(pixels[0] + channel), TVector.Load(pixels[step] + channel), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputAdjoint<TVector>(float* dy, nint ds, float* o, nint os)
        where TVector : struct, IFloats<TVector> => OutputAdjoint(TVector.Load(dy), TVector.Load(dy + ds), o, os);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TVector>(float* g, nint gs, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        TVector half = TVector.Broadcast(0.5f), g0 = TVector.Load(g), g2 = TVector.Load(g + 2 * gs);
        TVector even = (g0 + g2) * half, odd = TVector.Load(g + gs) * half;
        g0.Store(o);
        (even + odd).Store(o + os);
        (even - odd).Store(o + 2 * os);
        g2.Store(o + 3 * os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WeightsAdjoint<TVector>(float* u, nint us, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        TVector half = TVector.Broadcast(0.5f), u1 = TVector.Load(u + us), u2 = TVector.Load(u + 2 * us);
        TVector even = (u1 + u2) * half;
        (TVector.Load(u) + even).Store(o);
        ((u1 - u2) * half).Store(o + os);
        (even + TVector.Load(u + 3 * us)).Store(o + 2 * os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Input<TVector>(TVector d0, TVector d1, TVector d2, TVector d3, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        (d0 - d2).Store(o);
        (d1 + d2).Store(o + os);
        (d2 - d1).Store(o + 2 * os);
        (d3 - d1).Store(o + 3 * os);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TVector Y0, TVector Y1) Output<TVector>(float* p, nint ps)
        where TVector : struct, IFloats<TVector>
    {
        TVector p1 = TVector.Load(p + ps), p2 = TVector.Load(p + 2 * ps);
        return (TVector.Load(p) + p1 + p2, p1 - p2 + TVector.Load(p + 3 * ps));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputAdjoint<TVector>(TVector y0, TVector y1, float* o, nint os)
        where TVector : struct, IFloats<TVector>
    {
        y0.Store(o);
        (y0 + y1).Store(o + os);
        (y0 - y1).Store(o + 2 * os);
        y1.Store(o + 3 * os);
    }
}
